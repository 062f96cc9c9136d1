/* The error domain of index: one quark, so that callers can tell its errors from others'. */
#include "index/index.h"

G_DEFINE_QUARK (index-error-quark, index_error)
