#!/usr/bin/env python3
"""Makes golden cases of shapes that the recorded ones do not have, with a forward pass of its own.

  unseen.py check DIR…             the forward pass below against recorded cases
  unseen.py make TEMPLATE OUT SEED a case like TEMPLATE with other numbers of heads and layers, other
                                   widths, windows and weights; OUT is then for build/tests/golden

Written from the models' papers in numpy and float64, apart from the engine; `check` holds it against
what Hugging Face computed. Needs numpy, and files whose weights are F32.
"""
import json
import math
import os
import struct
import sys

import numpy as np

FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


# ---- GGUF

class Reader:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.at = 8
        n_tensors, n_keys = self.take("<QQ")
        self.keys, self.tensors = {}, {}
        for _ in range(n_keys):
            name = self.string()
            (kind,) = self.take("<I")
            self.keys[name] = (kind, self.value(kind))
        directory = []
        for _ in range(n_tensors):
            name, (n_dims,) = self.string(), self.take("<I")
            dims = self.take(f"<{n_dims}Q")
            kind, offset = self.take("<IQ")
            assert kind == 0, f"{name} is not F32"
            directory.append((name, dims, offset))
        start = (self.at + 31) // 32 * 32
        for name, dims, offset in directory:
            flat = np.frombuffer(self.bytes, "<f4", math.prod(dims), start + offset)
            self.tensors[name] = flat.reshape(dims[::-1])

    def take(self, form):
        values = struct.unpack_from(form, self.bytes, self.at)
        self.at += struct.calcsize(form)
        return values

    def string(self):
        (length,) = self.take("<Q")
        self.at += length
        return self.bytes[self.at - length:self.at]

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, n = self.take("<IQ")
            return element, [self.value(element) for _ in range(n)]
        return self.take("<" + FORMATS[kind])[0]


def pack_string(text):
    return struct.pack("<Q", len(text)) + text


def pack(kind, value):
    if kind == STRING:
        return pack_string(value)
    if kind == ARRAY:
        element, values = value
        return struct.pack("<IQ", element, len(values)) + b"".join(pack(element, v) for v in values)
    return struct.pack("<" + FORMATS[kind], value)


def write_gguf(path, keys, tensors):
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for name, (kind, value) in keys.items():
        header += pack_string(name) + struct.pack("<I", kind) + pack(kind, value)
    data = b""
    for name, array in tensors.items():
        dims = array.shape[::-1]
        header += pack_string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, 0, len(data))
        data += array.astype("<f4").tobytes()
        data += bytes(-len(data) % 32)
    with open(path, "wb") as file:
        file.write(header + bytes(-len(header) % 32) + data)


# ---- Forward pass

class Model:
    def __init__(self, keys, tensors):
        self.keys, self.t = keys, {n.decode(): a.astype(np.float64) for n, a in tensors.items()}
        self.arch = keys[b"general.architecture"][1].decode()
        self.n_layer, self.n_embd = self.get("block_count"), self.get("embedding_length")
        self.n_head = self.get("attention.head_count")
        self.n_kv = self.get("attention.head_count_kv", self.n_head)
        self.head_dim = self.get("attention.key_length", self.n_embd // self.n_head)
        self.layer_norm = self.arch in ("bert", "nomic-bert", "modern-bert", "phi2")
        self.eps = self.get("attention.layer_norm_epsilon" if self.layer_norm
                            else "attention.layer_norm_rms_epsilon")
        self.encoder = self.arch in ("bert", "nomic-bert", "modern-bert", "gemma-embedding")
        self.gemma = self.arch.startswith("gemma")
        self.window = self.get("attention.sliding_window", 0)

    def get(self, key, default=None):
        found = self.keys.get(f"{self.arch}.{key}".encode())
        assert found is not None or default is not None, key
        return found[1] if found is not None else default

    def linear(self, x, name):
        y = x @ self.t[name + ".weight"].T
        return y + self.t[name + ".bias"] if name + ".bias" in self.t else y

    def norm(self, x, name):
        w = self.t.get(name + ".weight")
        if w is None:
            return x
        if not self.layer_norm:
            return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps) * w
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps) * w + self.t.get(name + ".bias", 0)

    def windowed(self, il):
        rule = {"gemma2": il % 2 == 0, "gemma3": il % 6 != 5, "gemma-embedding": il % 6 != 5,
                "modern-bert": il % 3 != 0}
        return self.window > 0 and rule.get(self.arch, True)

    def frequencies(self, il, context):
        """Angles per position of each pair, and what cosines and sines are multiplied by."""
        n_rot = self.get("rope.dimension_count", self.head_dim)
        exponents = np.arange(0, n_rot, 2) / n_rot
        local = self.windowed(il) and self.arch in ("gemma3", "gemma-embedding", "modern-bert")
        base = self.get("rope.freq_base_swa", 1e4) if local else self.get("rope.freq_base", 1e4)
        f, magnitude = base ** -exponents, self.get("rope.scaling.attn_factor", 1.0)
        if local:
            return f, 1.0
        factor, original = self.get("rope.scaling.factor", 1.0), self.get(
            "rope.scaling.original_context_length", self.get("context_length"))
        if self.get("rope.scaling.type", b"") == b"yarn":
            pair = lambda beta: n_rot * math.log(original / (2 * math.pi * beta)) / (2 * math.log(base))
            low = max(0, math.floor(pair(self.get("rope.scaling.yarn_beta_fast", 32.0))))
            high = min(n_rot - 1, math.ceil(pair(self.get("rope.scaling.yarn_beta_slow", 1.0))))
            ramp = np.clip((np.arange(n_rot // 2) - low) / max(.001, high - low), 0, 1)
            m = lambda k: 1 + .1 * k * math.log(factor)
            return f / factor * ramp + f * (1 - ramp), m(1) / m(self.get("rope.scaling.yarn_log_multiplier", 0.0))
        f = f / factor
        if "rope_freqs.weight" in self.t:
            f = f / self.t["rope_freqs.weight"]
        if "rope_factors_long.weight" in self.t:
            f = f / self.t["rope_factors_long.weight" if context > original else "rope_factors_short.weight"]
        return f, magnitude

    def rope(self, x, il, context):
        if self.arch == "bert":
            return x
        f, magnitude = self.frequencies(il, context)
        n = len(f)
        angles = np.arange(len(x))[:, None, None] * f
        cos, sin, y = np.cos(angles) * magnitude, np.sin(angles) * magnitude, x.copy()
        pairs = self.arch in ("llama", "mistral3", "granite", "granitemoe")
        a, b = (slice(0, 2 * n, 2), slice(1, 2 * n, 2)) if pairs else (slice(0, n), slice(n, 2 * n))
        y[..., a], y[..., b] = x[..., a] * cos - x[..., b] * sin, x[..., b] * cos + x[..., a] * sin
        return y

    def heads(self, x, blk, il, context):
        n_q, n_kv = self.n_head * self.head_dim, self.n_kv * self.head_dim
        if blk + "attn_qkv.weight" in self.t:
            q, k, v = np.split(self.linear(x, blk + "attn_qkv"), [n_q, n_q + n_kv], axis=1)
        else:
            q, k, v = (self.linear(x, blk + "attn_" + part) for part in "qkv")
        q, k, v = (y.reshape(len(x), -1, self.head_dim) for y in (q, k, v))
        q, k = (self.rope(self.norm(y, blk + name), il, context)
                for y, name in ((q, "attn_q_norm"), (k, "attn_k_norm")))
        s = self.get("attention.temperature_scale", 0.0)
        if s:
            original = self.get("rope.scaling.original_context_length")
            q = q * (1 + s * np.log(1 + np.arange(len(x)) // original))[:, None, None]
        return q, k, v

    def attention(self, x, blk, il, context):
        q, k, v = self.heads(x, blk, il, context)
        k, v = (np.repeat(y, self.n_head // self.n_kv, axis=1) for y in (k, v))
        scale = self.get("attention.scale", 0.0) or self.head_dim ** -.5
        scores = np.einsum("ihd,jhd->hij", q, k) * scale
        cap = self.get("attn_logit_softcapping", 0.0)
        if cap:
            scores = cap * np.tanh(scores / cap)
        ahead = np.arange(len(x))[:, None] - np.arange(len(x))[None, :]
        seen = np.ones_like(ahead, bool) if self.encoder else ahead >= 0
        if self.windowed(il):
            seen &= abs(ahead) <= self.window // 2 if self.encoder else ahead < self.window
        scores = np.where(seen, scores, -np.inf)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        return self.linear(np.einsum("hij,jhd->ihd", p, v).reshape(len(x), -1), blk + "attn_output")

    def act(self, x):
        if self.gemma or self.arch == "phi2":
            return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + .044715 * x ** 3)))
        if self.arch in ("bert", "modern-bert"):
            return x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
        return x / (1 + np.exp(-x))

    def experts(self, x, blk):
        logits, out = x @ self.t[blk + "ffn_gate_inp.weight"].T, np.zeros_like(x)
        for i, row in enumerate(logits):
            best = np.argsort(-row)[:self.get("expert_used_count")]
            share = np.exp(row[best] - row[best].max())
            for e, s in zip(best, share / share.sum()):
                gate, up, down = (self.t[f"{blk}ffn_{p}_exps.weight"][e] for p in ("gate", "up", "down"))
                out[i] += s * (down @ (self.act(gate @ x[i]) * (up @ x[i])))
        if blk + "ffn_up_shexp.weight" in self.t:
            inner = self.act(self.linear(x, blk + "ffn_gate_shexp")) * self.linear(x, blk + "ffn_up_shexp")
            out += self.linear(inner, blk + "ffn_down_shexp")
        return out

    def feed_forward(self, x, blk):
        if self.arch == "granitemoe":
            return self.experts(x, blk)
        up = self.linear(x, blk + "ffn_up")
        if self.arch in ("phi3", "modern-bert"):
            gate, up = np.split(up, 2, axis=1)
            inner = self.act(gate) * up
        elif blk + "ffn_gate.weight" in self.t:
            inner = self.act(self.linear(x, blk + "ffn_gate")) * up
        else:
            inner = self.act(up)
        return self.linear(inner, blk + "ffn_down")

    def layer(self, x, il, context):
        blk, r = f"blk.{il}.", self.get("residual_scale", 1.0)
        if self.arch in ("bert", "nomic-bert"):
            x = self.norm(x + self.attention(x, blk, il, context), blk + "attn_output_norm")
            return self.norm(x + self.feed_forward(x, blk), blk + "layer_output_norm")
        n = self.norm(x, blk + "attn_norm")
        a = self.norm(self.attention(n, blk, il, context), blk + "post_attention_norm")
        if self.arch == "phi2":
            return x + a + self.feed_forward(n, blk)
        x = x + r * a
        f = self.feed_forward(self.norm(x, blk + "ffn_norm"), blk)
        return x + r * self.norm(f, blk + "post_ffw_norm")

    def hidden(self, tokens, types=None, context=0):
        x = self.t["token_embd.weight"][tokens] * self.get(
            "embedding_scale", math.sqrt(self.n_embd) if self.gemma else 1.0)
        if "token_types.weight" in self.t:
            x = x + self.t["token_types.weight"][types if types is not None else [0] * len(tokens)]
        if "position_embd.weight" in self.t:
            x = x + self.t["position_embd.weight"][:len(tokens)]
        x = self.norm(x, "token_embd_norm")
        for il in range(self.n_layer):
            x = self.layer(x, il, context)
        return self.norm(x, "output_norm")

    def logits(self, tokens, context=0):
        x = self.hidden(tokens, None, context)
        y = x @ self.t.get("output.weight", self.t["token_embd.weight"]).T + self.t.get("output.bias", 0)
        y = y / self.get("logit_scale", 1.0)
        cap = self.get("final_logit_softcapping", 0.0)
        return cap * np.tanh(y / cap) if cap else y

    def pooled(self, x):
        kind = self.get("pooling_type", 1)
        v = x.mean(0) if kind == 1 else x[-1] if kind == 3 else x[0]
        if "dense_2.weight" in self.t:
            v = self.t["dense_3.weight"] @ (self.t["dense_2.weight"] @ v)
        return v

    def score(self, x):
        return float(self.linear(np.tanh(self.linear(x[0], "cls")), "cls.output")[0])


# ---- Cases

def expect(model, sequence):
    """The recorded numbers of one sequence, computed here."""
    tokens, types = sequence["tokens"], sequence.get("token_types")
    rounded = lambda a: [float(f"{v:.7g}") for v in np.ravel(a)]
    if model.encoder or b"%s.pooling_type" % model.arch.encode() in model.keys:
        x = model.hidden(tokens, types)
        out = {"token_vectors": [rounded(row) for row in x[:3]]}
        if "cls.weight" in model.t:
            return dict(sequence, score=model.score(x), **out)
        v = model.pooled(x)
        norm = float(np.linalg.norm(v))
        return dict(sequence, embedding=rounded(v / norm), norm=norm, **out)
    context = sequence.get("context", 0)
    y = model.logits(tokens, context)
    top = np.argsort(-y, axis=1)[:, :8]
    greedy, gap, row, longer = [], math.inf, y[-1], list(tokens)
    for _ in range(16):
        first, second = np.sort(row)[::-1][:2]
        gap = min(gap, float(first - second))
        greedy.append(int(row.argmax()))
        longer.append(greedy[-1])
        row = model.logits(longer, context)[-1]
    return dict(sequence, last_logits=rounded(y[-1]), argmax=[int(v) for v in y.argmax(1)],
                top8=[{"ids": [int(i) for i in ids], "logits": rounded(y[t, ids])}
                      for t, ids in enumerate(top)], greedy16=greedy, greedy16_min_gap=gap)


def check(folder):
    reader = Reader(os.path.join(folder, "model.gguf"))
    model, worst = Model(reader.keys, reader.tensors), 0
    with open(os.path.join(folder, "expect.json"), encoding="utf-8") as file:
        recorded = json.load(file)
    for sequence in recorded["sequences"]:
        given = {k: sequence[k] for k in ("tokens", "token_types", "context") if k in sequence}
        ours = expect(model, given)
        for key in ("last_logits", "embedding", "token_vectors", "score"):
            if key in sequence:
                a, b = np.ravel(ours[key]), np.ravel(sequence[key])
                worst = max(worst, float(((a - b) ** 2).sum() / (b ** 2).sum()))
    print(f"{'ok ' if worst < 1e-9 else 'BAD'} {model.arch:16} nmse {worst:.1e} {folder}")
    return worst < 1e-9


class Shapes:
    """Other numbers for a template, and the shape of each of its tensors in them."""

    def __init__(self, old, rng):
        pick = lambda *choices: int(rng.choice(choices))
        self.old = old
        self.explicit = f"{old.arch}.attention.key_length".encode() in old.keys
        self.n_kv = pick(1, 2, 3) if old.n_kv != old.n_head else 0
        per = pick(1, 2, 3, 5) if self.n_kv else pick(2, 3, 5)
        self.n_head = (self.n_kv or 1) * per
        self.n_kv = self.n_kv or self.n_head
        self.head_dim = pick(8, 16, 24, 40, 64)
        self.n_embd = 32 * pick(1, 2, 3, 5) + 8 * pick(0, 1, 3) if self.explicit else self.n_head * self.head_dim
        self.n_ff, self.n_layer = 8 * pick(5, 12, 23), old.n_layer + pick(0, 1, 2)
        self.window = pick(4, 10, 22, 34) if old.window else 0
        rotary = old.get("rope.dimension_count", old.head_dim) / old.head_dim
        self.n_rot = int(self.head_dim * rotary) // 2 * 2

    def keys(self):
        old, keys = self.old, dict(self.old.keys)
        numbers = {"block_count": self.n_layer, "embedding_length": self.n_embd,
                   "feed_forward_length": self.n_ff, "attention.head_count": self.n_head,
                   "attention.head_count_kv": self.n_kv, "attention.key_length": self.head_dim,
                   "attention.value_length": self.head_dim, "rope.dimension_count": self.n_rot,
                   "attention.sliding_window": self.window, "dense_2_feat_in": self.n_embd,
                   "dense_3_feat_out": self.n_embd}
        for key, value in numbers.items():
            full = f"{old.arch}.{key}".encode()
            if full in keys:
                keys[full] = (keys[full][0], value)
        return keys

    def shape(self, name, old_shape):
        n_q, n_kv = self.n_head * self.head_dim, self.n_kv * self.head_dim
        part, kind = name.split(".")[-2:] if name.startswith("blk.") else name.rsplit(".", 1)
        rows = {"attn_q": n_q, "attn_k": n_kv, "attn_v": n_kv, "attn_qkv": n_q + 2 * n_kv}
        wide = self.n_ff * (2 if self.old.arch in ("phi3", "modern-bert") else 1)
        if part in rows:
            return (rows[part],) if kind == "bias" else (rows[part], self.n_embd)
        if part in ("attn_q_norm", "attn_k_norm"):
            return (self.head_dim,)
        if part in ("rope_freqs", "rope_factors_long", "rope_factors_short"):
            return (self.n_rot // 2,)
        sizes = {"attn_output": (self.n_embd, n_q), "ffn_up": (wide, self.n_embd),
                 "ffn_gate": (self.n_ff, self.n_embd), "ffn_down": (self.n_embd, self.n_ff)}
        if part in sizes:
            return sizes[part][:1] if kind == "bias" else sizes[part]
        new = {self.old.n_embd: self.n_embd, self.old.get("feed_forward_length"): self.n_ff}
        if part.endswith("_exps"):
            return (old_shape[0],) + tuple(new[d] for d in old_shape[1:])
        if part in ("cls", "dense_2", "dense_3", "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp"):
            return tuple(self.n_embd if d == self.old.n_embd else d for d in old_shape)
        if part in ("output", "cls.output") and kind == "bias":
            return old_shape
        return old_shape[:-1] + (self.n_embd,)

    def tensors(self, old_tensors, rng):
        made = {}
        for name, array in old_tensors.items():
            text = name.decode()
            if not text.startswith("blk."):
                made[name] = self.random(text, array.shape, rng)
        for il in range(self.n_layer):  # layers after the template's are like its last
            like = f"blk.{min(il, self.old.n_layer - 1)}."
            for name, array in old_tensors.items():
                text = name.decode()
                if text.startswith(like):
                    own = f"blk.{il}." + text[len(like):]
                    made[own.encode()] = self.random(own, array.shape, rng)
        return made

    def random(self, name, old_shape, rng):
        shape = self.shape(name, old_shape)
        if name.startswith("rope_"):
            return rng.uniform(1, 6, shape).astype(np.float32)
        if "norm" in name and name.endswith(".weight"):
            return (1 + rng.uniform(-.3, .3, shape)).astype(np.float32)
        if len(shape) == 1:
            return rng.uniform(-.3, .3, shape).astype(np.float32)
        table = name.startswith(("token_", "position_"))
        scale = .5 if table and self.old.encoder else 1 / math.sqrt(shape[-1])
        return (rng.normal(size=shape) * scale).astype(np.float32)


def make(template, out, seed):
    rng, reader = np.random.default_rng(seed), Reader(os.path.join(template, "model.gguf"))
    old = Model(reader.keys, reader.tensors)
    shapes = Shapes(old, rng)
    keys, tensors = shapes.keys(), shapes.tensors(reader.tensors, rng)
    model, n_vocab = Model(keys, tensors), len(tensors[b"token_embd.weight"])
    os.makedirs(out, exist_ok=True)
    write_gguf(os.path.join(out, "model.gguf"), keys, tensors)
    sequences = []
    for length in (1, 3, int(rng.integers(20, 50)), int(rng.integers(60, 110))):
        sequence = {"tokens": [int(t) for t in rng.integers(4, n_vocab, length)]}
        if "token_types.weight" in model.t and len(model.t["token_types.weight"]) > 1:
            sequence["token_types"] = [int(i >= length // 2) for i in range(length)]
        if "rope_factors_long.weight" in model.t:
            sequence["context"] = 512 if length > 55 else 256
        sequences.append(expect(model, sequence))
    with open(os.path.join(out, "expect.json"), "w", encoding="utf-8") as file:
        json.dump({"arch": model.arch, "source": "unseen.py", "seed": seed, "sequences": sequences}, file)


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "check":
        sys.exit(not all([check(folder) for folder in sys.argv[2:]]))
    if len(sys.argv) != 5 or sys.argv[1] != "make":
        sys.exit(__doc__)
    make(sys.argv[2], sys.argv[3], int(sys.argv[4]))


if __name__ == "__main__":
    main()
