// All that a generated CPU kernel uses. Needs C++20, -fwrapv, -ffp-contract=off and -fno-math-errno.
#pragma once

#include "entry.h"
#include "load_store.h"
#include "parallel.h"
#include "reduce.h"
#include "scratch.h"
#include "tiles.h"
