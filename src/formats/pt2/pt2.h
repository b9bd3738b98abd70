// Reading of the files that torch.export.save writes.
#pragma once

#include "formats/formats.h"

namespace ropeway {

// A zip archive; whether torch.export wrote it is for `read_pt2` to say.
bool recognises_pt2(const File& file);

// The exported program as a graph. Writes in place are taken out; inputs keep their names in the program, outputs those of the dictionary that the model
// returns, if it does. What the model writes to its inputs stays inside; one that changes its own buffers is refused.
// Throws Error{invalid_model, unsupported, invalid_argument, io}.
Graph read_pt2(const File& file, const ReadOptions& options);

}  // namespace ropeway
