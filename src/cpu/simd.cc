#include "cpu/simd.h"

#include <hwy/targets.h>

#include <algorithm>
#include <cctype>

#include "base/env.h"
#include "base/text.h"

namespace ropeway::cpu {
namespace {

// Highway's name in small letters, but for those that its users would not know.
std::string name_of(int64_t target) {
  std::string name = hwy::TargetName(target);
  if (name == "AVX3") return "avx512";
  if (name == "EMU128") return "scalar";
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// Highway counts NEON only where AES is, too; the code runs without.
std::vector<int64_t> supported() {
  std::vector<int64_t> result = hwy::SupportedAndGeneratedTargets();
  if (result.empty()) result.push_back(HWY_STATIC_TARGET);
  return result;
}

// As they were before any choice.
const std::vector<int64_t>& targets() {
  static const std::vector<int64_t> all = supported();
  return all;
}

}  // namespace

void choose_simd() {
  // Done once, and again after an error.
  static const bool done = [] {
    targets();
    if (const auto name = environment("ROPEWAY_SIMD")) use_simd(*name);
    return true;
  }();
  (void)done;
}

void use_simd(const std::string& name) {
  for (const int64_t target : targets()) {
    if (name_of(target) != name) continue;
    // Not DisableTargets: its effect ends when somebody asks for SupportedTargets.
    hwy::SetSupportedTargetsForTest(target);
    return;
  }
  fail(ErrorCode::invalid_argument, "ROPEWAY_SIMD is '{}', which this processor or this build does not have; there is {}", name, listed(simd_available()));
}

std::string simd_in_use() { return name_of(supported().front()); }

std::vector<std::string> simd_available() {
  std::vector<std::string> names;
  for (const int64_t target : targets()) names.push_back(name_of(target));
  return names;
}

}  // namespace ropeway::cpu
