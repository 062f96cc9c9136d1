/* The error domain of engine: one quark, so that callers can tell its errors from others'. */
#include "engine/engine.h"

G_DEFINE_QUARK (engine-error-quark, engine_error)
