// Where code stands: a tree of return addresses, so that one number names a line and its callers.
#pragma once

#include <stdlib.h>

#include "abi.h"

namespace emu {

struct CallTree {
  struct Node {
    u64 pc;
    u32 parent;
  };
  static constexpr u32 kSize = 1u << 16;  // nodes; the table is twice as large

  Node nodes[kSize];
  u32 table[2 * kSize];
  u32 count;

  void clear() {
    for (u32& entry : table) entry = 0;
    count = 1;  // node 0 is the root
    nodes[0] = {0, 0};
  }

  // The child of `parent` at `pc`, made where there is none; the root where the tree is full.
  u32 child(u32 parent, u64 pc) {
    u32 at = u32((pc * 0x9e3779b97f4a7c15ull ^ u64(parent) * 0xc2b2ae3d27d4eb4full) >> 40) % (2 * kSize);
    for (; table[at] != 0; at = (at + 1) % (2 * kSize)) {
      const Node& node = nodes[table[at]];
      if (node.pc == pc && node.parent == parent) return table[at];
    }
    if (count == kSize) return 0;
    nodes[count] = {pc, parent};
    table[at] = count;
    return count++;
  }
};

}  // namespace emu
