#include "backend/redis/router.h"
