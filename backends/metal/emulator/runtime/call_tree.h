// How code was reached: a tree of return addresses, so that one number, a path, names all callers.
#pragma once

#include "abi.h"

namespace emu {

struct CallTree {
  struct Node {
    u32 pc;
    u32 parent;
  };
  static constexpr u32 kSize = 1u << 16;  // nodes; the table is twice as large

  Node nodes[kSize];
  u32 table[2 * kSize];
  u32 count;

  // What was known before a run stays of use, as far as there is room for more.
  void make_room() {
    if (count != 0 && count < kSize / 2) return;
    for (u32& entry : table) entry = 0;
    count = 1;  // node 0 is the root
    nodes[0] = {0, 0};
  }

  // The child of `parent` at `pc`, made where there is none; the root where the tree is full.
  u32 child(u32 parent, u32 pc) {
    u32 at = u32((pc * 0x9e3779b97f4a7c15ull ^ parent * 0xc2b2ae3d27d4eb4full) >> 40) % (2 * kSize);
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

// The calls that a thread is in. Paths are worked out only where something is recorded.
struct Calls {
  static constexpr u32 kMost = 64;

  u32 depth, known;  // calls, and for how many of them the path is known
  u32 callers[kMost];
  u32 paths[kMost + 1];

  void clear() {
    depth = known = 0;
    paths[0] = 0;
  }
  u32 path(CallTree& tree) {
    for (; known < depth; ++known) paths[known + 1] = tree.child(paths[known], callers[known]);
    return paths[depth];
  }
};

}  // namespace emu
