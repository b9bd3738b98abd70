// The SIMD target that kernels use: the best that was built and that this processor has, unless ROPEWAY_SIMD names another.
#pragma once

#include <string>
#include <vector>

namespace ropeway::cpu {

// What ROPEWAY_SIMD says, for the whole process from the first call on; later ones change nothing. Throws as use_simd does, at each call.
void choose_simd();
// From now on this target. Throws Error{invalid_argument} that lists what there is.
void use_simd(const std::string& name);

std::string simd_in_use();                  // "avx512", "avx2", "neon", "scalar"
std::vector<std::string> simd_available();  // before any choice, best first: what ROPEWAY_SIMD may be

}  // namespace ropeway::cpu
