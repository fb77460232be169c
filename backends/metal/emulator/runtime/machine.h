// What a launch asks of the machine.
#pragma once

#include "state.h"

namespace emu {

// Sets what depends on function constants.
void initialise();
// The order in which `count` things take turns; random ones differ from call to call.
void make_order(int* order, int count, u64& seed);
// Whether the threadgroup came to its end.
bool run_group(const u32 (&group)[3], const Thread& bound, u64& seed);

}  // namespace emu
