#include "selftest/symbols.h"

#include "cann/elf.h"
#include "ropeway/error.h"

namespace ropeway::selftest {

std::vector<Symbol> symbols_of(const cann::Installation& installation) {
  std::vector<std::pair<std::string, std::set<std::string>>> libraries;
  for (const char* name : cann::kAclLibraries) {
    try {
      libraries.emplace_back(name, cann::read_elf(installation.library.parent_path() / name).functions);
    } catch (const Error&) {  // not there, or damaged, which the doctor tells
    }
  }
  constexpr bool needed = true, offered = false;
  std::vector<Symbol> result = {
#define ROPEWAY_CANN(library, need, result, name, parameters) {#name, library, need, ""},
#include "cann/abi.def"
#undef ROPEWAY_CANN
  };
  static_assert(needed != offered);
  for (Symbol& symbol : result) {
    for (const auto& [library, functions] : libraries) {
      if (symbol.found.empty() && functions.contains(symbol.name)) symbol.found = library;
    }
  }
  return result;
}

}  // namespace ropeway::selftest
