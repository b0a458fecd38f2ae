#include "backend/redis/redis_backend.h"
