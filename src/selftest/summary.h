// The report for people.
#pragma once

#include <string>

#include "selftest/work.h"

namespace ropeway::selftest {

// At most a screen: what was found wrong is cut after a few lines, the whole is in the report.
std::string summary(const Json& report);

}  // namespace ropeway::selftest
