#include "cuda/host/cuda_call.h"

#include <cstring>
#include <vector>

#include "cuda/host/device.h"
#include "cuda/host/strided.h"
#include "gpu_host/choose.h"
#include "host_runtime/python_call.h"

namespace sgl::cuda {
namespace {

using namespace sgl::gpu;
using namespace sgl::host;

constexpr Target kCuda{"CUDA", dlpack::kCuda,
                       "a CUDA tensor of a framework with a DLPack exchange table (torch 2.11 has one)"};

// What a call puts on its stream, and the memory that it borrows there until it is through.
class Recording {
 public:
  Recording(const Call& call, Work& work, cudaStream_t stream)
      : call_(call), work_(work), stream_(stream) {}

  void prepare_arrays() {
    for (const Work::Copy& copy : work_.copies) {
      void* target = borrow(bytes_of(copy));
      std::memcpy(work_.params + copy.pointer_offset, &target, sizeof target);
      require(copy_contiguous(copy, target, stream_), call_.signature.name + std::string(": copying an input"));
    }
    for (const Work::Fill& fill : work_.fills) {
      require(fill_zero(fill, stream_), call_.signature.name + std::string(": zeroing a result"));
    }
  }

  void launch(const OpLaunches& op, const LaunchRow& row) {
    Choice choice = choose(row, call_, work_.params);
    if (choice.groups == 0) return;
    void* scratch[kMaxScratch];
    void* arguments[2 + kMaxScratch] = {work_.params, &choice.launch};
    for (std::size_t i = 0; i < row.scratch.size(); i++) {
      scratch[i] = scratch_of(row.scratch[i], choice.scratch_bytes[i]);
      arguments[2 + i] = &scratch[i];
    }
    const int64_t along_x = choice.groups < kGroupsAlongX ? choice.groups : kGroupsAlongX;
    const int64_t along_y = (choice.groups - 1) / along_x + 1;
    const dim3 grid(static_cast<unsigned>(along_x), static_cast<unsigned>(along_y));
    const dim3 block(static_cast<unsigned>(choice.threads));
    const void* kernel = op.kernel(choice.kernel->position);
    require(cudaLaunchKernel(kernel, grid, block, arguments, 0, stream_),
            call_.signature.name + std::string(": launching ") + row.name + "_kernel");
  }

 private:
  void* borrow(int64_t bytes) {
    return bytes == 0 ? nullptr : borrowed_.emplace_back(bytes, stream_, call_.signature.name).data();
  }

  // The buffer of a kernel's scratch argument; null where the kernel does not touch it.
  void* scratch_of(const ScratchRow& row, int64_t bytes) {
    if (row.owner != Owner::program) return borrow(bytes);
    if (!kept_[row.slot]) kept_[row.slot] = borrow(bytes);
    return kept_[row.slot];
  }

  const Call& call_;
  Work& work_;
  cudaStream_t stream_;
  std::vector<StreamMemory> borrowed_;
  void* kept_[kMaxScratch] = {};
};

PyObject* call_cuda(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return run_call(self, args, count, keywords, [&]() -> PyObject* {
    const Signature& signature = bound_of(self).signature;
    const auto& op = *static_cast<const OpLaunches*>(bound_of(self).extra);
    Arguments arguments;
    match_arguments(signature, args, count, keywords, nullptr, arguments);
    Call call(signature);
    PythonArrays arrays(kCuda);
    CallObjects objects;
    read_numbers(arguments, call);
    read_arrays(arguments, call, arrays, objects);
    resolve(call);
    const DeviceGuard device(arrays.device(call).id);
    make_results(call, arrays, objects);
    check_written(call);
    Work work;
    prepare(call, nullptr, work);
    Recording recording(call, work, static_cast<cudaStream_t>(arrays.current_stream(call)));
    recording.prepare_arrays();
    for (const LaunchRow& row : op.launches) recording.launch(op, row);
    return pack_returns(signature, arrays, objects);
  });
}

}  // namespace

PyObject* make_cuda_module(const char* name, std::initializer_list<CudaOp> ops) {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, name, nullptr, -1, nullptr, {}, {}, {}, {}};
  return guarded([&]() -> PyObject* {
    Reference module = owned(PyModule_Create(&definition));
    for (const CudaOp& op : ops) {
      for (const Signature& signature : op.signatures) {
        add_function(module.get(), signature, call_cuda, &op.launches);
      }
    }
    return module.release();
  });
}

}  // namespace sgl::cuda
