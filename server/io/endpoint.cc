#include "io/endpoint.h"
