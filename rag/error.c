/* The error domain of rag: one quark, so that callers can tell its errors from others'. */
#include "rag/rag.h"

G_DEFINE_QUARK (rag - error - quark, rag_error)
