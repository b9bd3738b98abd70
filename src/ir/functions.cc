#include "ir/params.h"

namespace ropeway {
namespace {

struct FunctionRow {
  const char* name;
  const char* onnx;
};

#define ROPEWAY_UNARY(name, onnx) {#name, #onnx},
constexpr FunctionRow kUnary[] = {
#include "ir/functions.def"
};
#undef ROPEWAY_UNARY
#define ROPEWAY_BINARY(name, onnx) {#name, #onnx},
constexpr FunctionRow kBinary[] = {
#include "ir/functions.def"
};
#undef ROPEWAY_BINARY
#define ROPEWAY_REDUCE(name, onnx) {#name, #onnx},
constexpr FunctionRow kReduce[] = {
#include "ir/functions.def"
};
#undef ROPEWAY_REDUCE

template <class Function, size_t N>
bool find(const FunctionRow (&rows)[N], std::string_view name, Function& function) {
  for (size_t i = 0; i < N; ++i) {
    if (name != rows[i].name) continue;
    function = static_cast<Function>(i);
    return true;
  }
  return false;
}

}  // namespace

const char* name(UnaryFunction function) { return kUnary[static_cast<size_t>(function)].name; }
const char* name(BinaryFunction function) { return kBinary[static_cast<size_t>(function)].name; }
const char* name(ReduceFunction function) { return kReduce[static_cast<size_t>(function)].name; }
const char* onnx_name(UnaryFunction function) { return kUnary[static_cast<size_t>(function)].onnx; }
const char* onnx_name(BinaryFunction function) { return kBinary[static_cast<size_t>(function)].onnx; }
const char* onnx_name(ReduceFunction function) { return kReduce[static_cast<size_t>(function)].onnx; }
bool parse(std::string_view name, UnaryFunction& function) { return find(kUnary, name, function); }
bool parse(std::string_view name, BinaryFunction& function) { return find(kBinary, name, function); }
bool parse(std::string_view name, ReduceFunction& function) { return find(kReduce, name, function); }

}  // namespace ropeway
