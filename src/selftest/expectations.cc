#include "selftest/expectations.h"

#include <map>

namespace ropeway::selftest {
namespace {

// Cases that 16 bits cannot come near, and why.
const std::map<std::string, const char*> kExcluded = {
    {"Softmax_large_numbers", "large numbers lose the bits in which they differ"},
    {"Unary_log_special", "1e-30 is 0 in 16 bits"},
    {"Unary_reciprocal_special", "1e-30 is 0 in 16 bits"},
    {"Unary_rsqrt_special", "1e-30 is 0 in 16 bits"},
    {"Unary_sign_special", "1e-30 is 0 in 16 bits"},
};

// Cases with an operator that CANN's lists have on neither engine in int64.
const std::map<std::string, const char*> kRefused = {
    {"Unary_abs_integers", "Abs"},
    {"Unary_sign_integers", "Sign"},
    {"Unary_floor_integers", "Floor"},
    {"Cast_integers_to_u8", "Abs"},
    {"ArgMax_whole_numbers", "ArgMaxV2"},
    {"ArgMin_whole_numbers", "ArgMin"},
};

const std::map<std::string, const char*> kUnsettled = {
    {"Softmax_infinities", "a NaN among the constants: whether it becomes 0, as one that is computed does, is not known"},
};

const char* find(const std::map<std::string, const char*>& table, const std::string& name) {
  const auto at = table.find(name);
  return at == table.end() ? "" : at->second;
}

}  // namespace

const char* why_excluded(const std::string& name) { return find(kExcluded, name); }
const char* refused_operator(const std::string& name) { return find(kRefused, name); }
const char* why_unsettled(const std::string& name) { return find(kUnsettled, name); }

std::vector<std::string> listed_cases() {
  std::vector<std::string> result;
  for (const auto* table : {&kExcluded, &kRefused, &kUnsettled}) {
    for (const auto& [name, what] : *table) result.push_back(name);
  }
  return result;
}

}  // namespace ropeway::selftest
