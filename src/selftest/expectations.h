// What is expected of a device that computes in 16 bits: how near it comes, and the cases of which that is not expected.
#pragma once

#include <string>
#include <vector>

namespace ropeway::selftest {

inline constexpr double kTolerance = 1e-2;  // largest error over largest value

// Why 16 bits cannot come near a case ("Unary_log_special"); "" for all others.
const char* why_excluded(const std::string& name);

// The operator of CANN for which its lists have no kernel in the case's dtype: atc is predicted to refuse it. "" for all others.
const char* refused_operator(const std::string& name);

// What is not known of a chip that saturates, so that a case is not judged there; "" for all others. Where infinities are infinities, it is judged.
const char* why_unsettled(const std::string& name);

// All names of the three tables.
std::vector<std::string> listed_cases();

}  // namespace ropeway::selftest
