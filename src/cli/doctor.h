// What `ropeway doctor` shares with other commands.
#pragma once

#include "doctor/doctor.h"

namespace ropeway::cli {

// This machine and its user, with a probe that uses the NPU in a process of its own.
doctor::Patient patient_here();

}  // namespace ropeway::cli
