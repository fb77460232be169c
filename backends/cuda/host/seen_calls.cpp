#include "cuda/host/seen_calls.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sgl::cuda {
namespace {

constexpr std::uintptr_t kWidestAccess = 16;

std::uintptr_t address_of(const host::ArrayView& array) { return reinterpret_cast<std::uintptr_t>(array.data); }

// The bytes that an array's elements reach over, from its address on.
SeenCall::Span span_of(const host::ArrayView& array) {
  if (!array.is_present || host::element_count(array) == 0) return {0, 0};
  const int64_t bytes = host::bytes_of(array.dtype);
  SeenCall::Span span{0, bytes};
  for (int axis = 0; axis < array.ndim; axis++) {
    const int64_t reach = (array.shape[axis] - 1) * array.strides[axis] * bytes;
    (reach < 0 ? span.low : span.high) += reach;
  }
  return span;
}

bool may_overlap(const host::ArrayView& a, SeenCall::Span in_a, const host::ArrayView& b, SeenCall::Span in_b) {
  if (in_a.low == in_a.high || in_b.low == in_b.high) return false;
  const std::uintptr_t first = address_of(a), second = address_of(b);
  return first + in_a.low < second + in_b.high && second + in_b.low < first + in_a.high;
}

}  // namespace

Look::Look(const host::Call& call, int device, bool starts_early) {
  const std::size_t fixed = 1 + call.op.scalars.size() + call.op.size_arguments.size();
  std::size_t needed = fixed;
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
    const bool is_sound = call.arrays[i].ndim <= host::kMaxDims;
    needed += is_sound ? 1 + 2 * static_cast<std::size_t>(call.arrays[i].ndim) : kMostWords;
  }
  if (needed > kMostWords) return;
  int64_t* word = words_;
  *word++ = int64_t{device} * 2 + starts_early;
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
    const host::ArrayView& array = call.arrays[i];
    const auto offset = static_cast<int64_t>(address_of(array) % kWidestAccess);
    *word++ = array.is_present | array.is_read_only << 1 | static_cast<int64_t>(array.dtype) << 8 |
              int64_t{array.ndim} << 16 | offset << 32;
    word = std::copy_n(array.shape, array.ndim, word);
    word = std::copy_n(array.strides, array.ndim, word);
  }
  for (std::size_t i = 0; i < call.op.scalars.size(); i++) *word++ = call.scalars[i].integer;
  word = std::copy_n(call.size_arguments, call.op.size_arguments.size(), word);
  count_ = static_cast<std::size_t>(word - words_);
}

void SeenCall::recall(host::Call& call) const {
  std::copy_n(choices, host::kMaxTypes, call.choices);
  std::copy(results.begin(), results.end(), call.results + call.op.argument_count);
}

bool SeenCall::fits(const host::Call& call, const bool* made) const {
  const auto count = call.op.tensors.size();
  for (std::size_t i = 0; i < count; i++) {
    const host::ArrayView& array = call.arrays[i];
    if (made[i]) {
      if (address_of(array) % kWidestAccess != 0) return false;
      continue;
    }
    if (call.op.tensors[i].role == host::Role::input) continue;
    for (std::size_t j = 0; j < count; j++) {
      if (j != i && !made[j] && may_overlap(array, spans[i], call.arrays[j], spans[j])) return false;
    }
  }
  return true;
}

void SeenCall::place(const host::Call& call) {
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
    void* const data = call.arrays[i].data;
    std::memcpy(params + call.op.tensors[i].pointer_offset, &data, sizeof data);
  }
}

SeenCall* SeenCalls::find(const Look& look) {
  const auto is_it = [&](const SeenCall& entry) {
    return entry.look.size() == look.count() &&
           std::memcmp(entry.look.data(), look.words(), look.count() * sizeof(int64_t)) == 0;
  };
  if (is_it(entries_[latest_])) return look.is_known() ? &entries_[latest_] : nullptr;
  for (int i = 0; i < kMost; i++) {
    if (look.is_known() && is_it(entries_[i])) return &entries_[latest_ = i];
  }
  return nullptr;
}

void SeenCalls::add(const Look& look, const host::Call& call, const host::Work& work,
                    std::vector<SeenCall::Step> steps) {
  SeenCall& entry = entries_[latest_ = next_];
  next_ = (next_ + 1) % kMost;
  entry.look.assign(look.words(), look.words() + look.count());
  std::copy_n(call.choices, host::kMaxTypes, entry.choices);
  entry.results.assign(call.results + call.op.argument_count, call.results + call.op.tensors.size());
  entry.spans.clear();
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) entry.spans.push_back(span_of(call.arrays[i]));
  entry.steps = std::move(steps);
  std::memcpy(entry.params, work.params, sizeof entry.params);
}

}  // namespace sgl::cuda
