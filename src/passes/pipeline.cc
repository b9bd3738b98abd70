#include "passes/pipeline.h"

namespace ropeway {

const std::vector<Pass>& pipeline() {
  static const std::vector<Pass> passes = {
      {"fold_constants", false, fold_constants},
      {"recover_adaptive_pooling", false, recover_adaptive_pooling},
      {"remove_no_ops", false, remove_no_ops},
      {"fold_batch_norm", false, fold_batch_norm},
      {"remove_dead_code", true, remove_dead_code},
  };
  return passes;
}

}  // namespace ropeway
