// What the processor calls itself.
#pragma once

#include <istream>
#include <string>

namespace ropeway::cpu {

// Of the text in /proc/cpuinfo: "model name" where there is one; on Arm, whose text has numbers alone, the names of its kinds of cores, joined by " and "; else the architecture.
std::string processor_name(std::istream& cpuinfo);

}  // namespace ropeway::cpu
