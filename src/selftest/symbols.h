// Which of CANN's functions an installation has, read from its files.
#pragma once

#include <string>
#include <vector>

#include "cann/installation.h"

namespace ropeway::selftest {

struct Symbol {
  std::string name;
  std::string library;  // where CANN 9 has it
  bool needed = false;  // else offered: see cann/abi.def
  std::string found;    // file name of the library that has it; "" for none
};

// The rows of abi.def, in its order. Nothing is loaded; libraries that cannot be read have nothing.
std::vector<Symbol> symbols_of(const cann::Installation& installation);

}  // namespace ropeway::selftest
