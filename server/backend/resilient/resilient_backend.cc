#include "backend/resilient/resilient_backend.h"
