#include "io/event_loop.h"
