// The types that CANN's graph compiler shares with its callers, who hold and destroy them by their layout: one shared pointer each, and a length. Names and
// signatures are C++'s, so that a program compiled for CANN finds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#define ROPEWAY_GE_EXPORT __attribute__((visibility("default")))

namespace ge {

using graphStatus = uint32_t;
inline constexpr graphStatus GRAPH_SUCCESS = 0;
inline constexpr graphStatus GRAPH_FAILED = 0xFFFFFFFF;
inline constexpr graphStatus GRAPH_PARAM_INVALID = 50331649;

// A text, or none. What the caller destroys was made here, and goes back to this library, which is never unloaded.
class AscendString {
 public:
  ROPEWAY_GE_EXPORT AscendString(const char* text);
  ROPEWAY_GE_EXPORT bool operator<(const AscendString& other) const;
  std::string str() const { return text_ ? *text_ : ""; }

 private:
  std::shared_ptr<const std::string> text_;
};
static_assert(sizeof(AscendString) == 16);

using Options = std::map<AscendString, AscendString>;

// A model on its way to the compiler: a name, and the ONNX file that was parsed into it.
class Graph {
 public:
  ROPEWAY_GE_EXPORT explicit Graph(const char* name);
  struct Content {
    std::string name;
    std::string onnx;  // "" until something is parsed into it
  };
  const std::shared_ptr<Content>& content() const { return content_; }
  void set_onnx(std::string onnx);

 private:
  std::shared_ptr<Content> content_;  // null in one that is default-constructed, which needs no code of ours
};
static_assert(sizeof(Graph) == 16);

// A compiled model.
struct ModelBufferData {
  std::shared_ptr<uint8_t> data;
  uint64_t length;
};
static_assert(sizeof(ModelBufferData) == 24);

// None throws: a failing one leaves its text for aclGetRecentErrMsg in the calling thread.
ROPEWAY_GE_EXPORT graphStatus aclgrphBuildInitialize(Options& options);  // what holds for every model; once per process, until aclgrphBuildFinalize
ROPEWAY_GE_EXPORT void aclgrphBuildFinalize();
ROPEWAY_GE_EXPORT graphStatus aclgrphParseONNXFromMem(const char* buffer, size_t size, const Options& options, Graph& graph);
ROPEWAY_GE_EXPORT graphStatus aclgrphBuildModel(const Graph& graph, const Options& options, ModelBufferData& model);
ROPEWAY_GE_EXPORT graphStatus aclgrphSaveModel(const char* path, const ModelBufferData& model);  // to path.om

}  // namespace ge
