// The dtype in which PyTorch computes with operands of several: torch.result_type.
#pragma once

#include <optional>

#include "formats/pt2/importer.h"

namespace ropeway::pt2 {

// Tensors with dimensions decide, unless one without, or a Python number, is of a higher kind (bool < whole < real); see "Type promotion" of the torch.Tensor
// documentation.
class Promotion {
 public:
  // Throw Error{unsupported} for pairs of dtypes that PyTorch does not promote either.
  void add(const TensorType& type);
  void add(const Scalar& number);
  DType result() const;

 private:
  std::optional<DType> tensors_, scalars_, numbers_;
};

// The dtype that holds the values of both.
DType promoted(DType a, DType b);

// A value as another dtype; itself where it has that already.
ValueId cast_to(const NodeImporter& node, ValueId id, DType dtype);
// What functions with a fractional result compute with: f32 for whole numbers.
ValueId as_real(const NodeImporter& node, ValueId id);

}  // namespace ropeway::pt2
