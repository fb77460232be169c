#include "metal/host/library.h"

#include <fstream>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <string_view>

namespace sgl::metal {
namespace {

std::mutex path_mutex;
std::string used_path;

}  // namespace

void use_library(const std::string& path) {
  const std::lock_guard lock(path_mutex);
  used_path = path;
}

std::string library_path() {
  const std::lock_guard lock(path_mutex);
  return used_path;
}

bool is_compiled(const std::string& path) { return std::string_view(path).ends_with(".metallib"); }

std::string read_source(const std::string& folder, const std::string& shader) {
  const std::string path = folder + "/" + shader + ".metal";
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file || text.empty()) throw std::runtime_error("the shader " + path + " cannot be read");
  return text;
}

}  // namespace sgl::metal
