// Tensors that share memory, and writes in place: what makes a graph without either out of one with both.
#pragma once

#include <unordered_map>

#include "ops/builder.h"

namespace ropeway::pt2 {

// A tensor of PyTorch's keeps the value that it had first as its handle, whatever is written to it later. Handles form trees: a view, and what it is a view of.
// A write to one changes what all others of its tree hold.
class Aliases {
 public:
  explicit Aliases(GraphBuilder& builder) : builder_(builder) {}

  // The new value `view` is a view of `of`, from whose content nodes lead to it (Reshape, Transpose, Slice …). `certain`: false when PyTorch may have copied instead.
  void link(ValueId view, ValueId of, bool certain = true);

  // The value of what `id` holds after the writes so far. Throws Error{unsupported} when that cannot be told, or not be written without a scatter.
  ValueId now(ValueId id);

  // `id` is overwritten with `content`, which has its type.
  void write(ValueId id, ValueId content);

  // The tensor at the end of the chain of views.
  ValueId root(ValueId id) const;

 private:
  struct View {
    ValueId of = kNoValue, root = kNoValue;
    bool certain = true;
  };
  struct Content {
    ValueId value = kNoValue;  // kNoValue: cannot be told
    int version = 0;           // of its tree
  };

  bool is_current(ValueId id, int version) const;
  ValueId again(ValueId view, ValueId content);
  ValueId written_back(ValueId view, ValueId before, ValueId content);

  GraphBuilder& builder_;
  std::unordered_map<ValueId, View> views_;
  std::unordered_map<ValueId, Content> contents_;  // of values that were written to, or read again after a write
  std::unordered_map<ValueId, int> versions_;      // writes so far, by root
};

}  // namespace ropeway::pt2
