#include "virtual_npu/ge/graph.h"

#include <new>
#include <utility>

namespace ge {

// Constructors of CANN's have no way to say that memory is exhausted: what they make is then empty, and is refused where it is used.
AscendString::AscendString(const char* text) {
  try {
    if (text != nullptr) text_ = std::make_shared<const std::string>(text);
  } catch (const std::bad_alloc&) {
  }
}

bool AscendString::operator<(const AscendString& other) const {
  if (!text_ || !other.text_) return !text_ && other.text_;
  return *text_ < *other.text_;
}

Graph::Graph(const char* name) {
  try {
    content_ = std::make_shared<Content>(Content{name == nullptr ? "" : name, ""});
  } catch (const std::bad_alloc&) {
  }
}

void Graph::set_onnx(std::string onnx) { content_ = std::make_shared<Content>(Content{content_ ? content_->name : "", std::move(onnx)}); }

}  // namespace ge
