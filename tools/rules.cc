// Writes docs/virtual-npu-rules.md: what the virtual CANN refuses, from the table in the code.
//   build/dev/tools/rules > docs/virtual-npu-rules.md
#include <fmt/format.h>

#include <string>

#include "cann/errors.h"
#include "virtual_npu/fault.h"

int main() {
  fmt::print(
      "# What the virtual CANN refuses\nGenerated from `src/virtual_npu/rules.def` by `build/dev/tools/rules`. *documented*: CANN's documents name this code for it; *assumed*: they name none, and the code is a "
      "guess at what a board returns; *own*: no board has this. `aclGetRecentErrMsg` gives the function, these words, and what exactly is wrong.\n\n| what is wrong | code | basis |\n| --- | --- | --- |\n");
  for (const ropeway::virtual_npu::RuleRow& row : ropeway::virtual_npu::rules()) {
    const std::string code = ropeway::cann::describe(row.code);  // "100000 (ACL_ERROR_INVALID_PARAM)"
    const size_t name = code.find('(') + 1;
    fmt::print("| {} | {} `{}` | {} |\n", row.text, row.code, code.substr(name, code.size() - name - 1), row.basis);
  }
}
