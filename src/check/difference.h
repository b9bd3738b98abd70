// Differences of tensors, under the name by which this room knows them.
#pragma once

#include "accuracy/difference.h"
