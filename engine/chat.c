/* Writes a conversation the way a model was trained to read it.
 *
 * Messages come in, token ids go out, ending where the assistant begins to answer. The format is
 * recognised by what the file's template contains; the template itself is a program from a
 * stranger and is never run. Only the markers of the table below become special tokens, and each
 * must be exactly one token of the vocabulary; a message's own text is tokenised with special
 * matching off, so that a document which says “<|im_end|>” says just that. */
#include "engine/model-private.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *fingerprint[4]; /* all of them stand in the template */
  const char *markers[7];     /* written as special tokens */
  /* “{}” stands for the message. No system: it goes before the next user message. */
  const char *system, *user, *assistant;
  const char *answer;           /* how the assistant begins */
  gboolean needs_bos;           /* even where the file does not ask for one */
  gboolean trims;               /* white space around a message */
  gboolean strips_after_marker; /* white space that follows a marker belongs to it */
} Format;

/* In the order in which they are tried; more particular ones first. */
static const Format FORMATS[] = {
  {
      .name = "phi4",
      .fingerprint = { "<|im_start|>", "<|im_sep|>" },
      .markers = { "<|im_start|>", "<|im_sep|>", "<|im_end|>" },
      .system = "<|im_start|>system<|im_sep|>{}<|im_end|>",
      .user = "<|im_start|>user<|im_sep|>{}<|im_end|>",
      .assistant = "<|im_start|>assistant<|im_sep|>{}<|im_end|>",
      .answer = "<|im_start|>assistant<|im_sep|>",
  },
  {
      .name = "chatml", /* Qwen3: an empty thought keeps it from thinking aloud */
      .fingerprint = { "<|im_start|>", "enable_thinking" },
      .markers = { "<|im_start|>", "<|im_end|>", "<think>", "</think>" },
      .system = "<|im_start|>system\n{}<|im_end|>\n",
      .user = "<|im_start|>user\n{}<|im_end|>\n",
      .assistant = "<|im_start|>assistant\n{}<|im_end|>\n",
      .answer = "<|im_start|>assistant\n<think>\n\n</think>\n\n",
  },
  {
      .name = "chatml",
      .fingerprint = { "<|im_start|>" },
      .markers = { "<|im_start|>", "<|im_end|>" },
      .system = "<|im_start|>system\n{}<|im_end|>\n",
      .user = "<|im_start|>user\n{}<|im_end|>\n",
      .assistant = "<|im_start|>assistant\n{}<|im_end|>\n",
      .answer = "<|im_start|>assistant\n",
  },
  {
      .name = "mistral-v7",
      .fingerprint = { "[INST]", "[SYSTEM_PROMPT]" },
      .markers = { "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "</s>" },
      .system = "[SYSTEM_PROMPT]{}[/SYSTEM_PROMPT]",
      .user = "[INST]{}[/INST]",
      .assistant = "{}</s>",
      .answer = "",
      .needs_bos = TRUE,
  },
  {
      .name = "mistral-v1", /* whose brackets are plain text */
      .fingerprint = { "[INST]", "[AVAILABLE_TOOLS]", " [INST]" },
      .markers = { "</s>" },
      .user = " [INST] {} [/INST]",
      .assistant = " {}</s>",
      .answer = "",
      .needs_bos = TRUE,
  },
  {
      .name = "mistral-tekken",
      .fingerprint = { "[INST]", "[AVAILABLE_TOOLS]", "\"[INST]\"" },
      .markers = { "[INST]", "[/INST]", "</s>" },
      .user = "[INST]{}[/INST]",
      .assistant = "{}</s>",
      .answer = "",
      .needs_bos = TRUE,
  },
  {
      .name = "mistral-v3",
      .fingerprint = { "[INST]", "[AVAILABLE_TOOLS]" },
      .markers = { "[INST]", "[/INST]", "</s>" },
      .user = "[INST] {}[/INST]",
      .assistant = " {}</s>",
      .answer = "",
      .needs_bos = TRUE,
  },
  {
      .name = "phi3",
      .fingerprint = { "<|assistant|>", "<|end|>", "<|user|>" },
      .markers = { "<|system|>", "<|user|>", "<|assistant|>", "<|end|>" },
      .system = "<|system|>\n{}<|end|>\n",
      .user = "<|user|>\n{}<|end|>\n",
      .assistant = "<|assistant|>\n{}<|end|>\n",
      .answer = "<|assistant|>\n",
      .strips_after_marker = TRUE,
  },
  {
      .name = "phi4-mini", /* its template makes the markers from the roles */
      .fingerprint = { "<|assistant|>", "<|end|>" },
      .markers = { "<|system|>", "<|user|>", "<|assistant|>", "<|end|>" },
      .system = "<|system|>{}<|end|>",
      .user = "<|user|>{}<|end|>",
      .assistant = "<|assistant|>{}<|end|>",
      .answer = "<|assistant|>",
  },
  {
      .name = "gemma",
      .fingerprint = { "<start_of_turn>" },
      .markers = { "<start_of_turn>", "<end_of_turn>" },
      .user = "<start_of_turn>user\n{}<end_of_turn>\n",
      .assistant = "<start_of_turn>model\n{}<end_of_turn>\n",
      .answer = "<start_of_turn>model\n",
      .needs_bos = TRUE,
      .trims = TRUE,
  },
  {
      .name = "llama3",
      .fingerprint = { "<|start_header_id|>" },
      .markers = { "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>" },
      .system = "<|start_header_id|>system<|end_header_id|>\n\n{}<|eot_id|>",
      .user = "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>",
      .assistant = "<|start_header_id|>assistant<|end_header_id|>\n\n{}<|eot_id|>",
      .answer = "<|start_header_id|>assistant<|end_header_id|>\n\n",
      .needs_bos = TRUE,
      .trims = TRUE,
  },
  {
      .name = "granite",
      .fingerprint = { "<|start_of_role|>" },
      .markers = { "<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>" },
      .system = "<|start_of_role|>system<|end_of_role|>{}<|end_of_text|>\n",
      .user = "<|start_of_role|>user<|end_of_role|>{}<|end_of_text|>\n",
      .assistant = "<|start_of_role|>assistant<|end_of_role|>{}<|end_of_text|>\n",
      .answer = "<|start_of_role|>assistant<|end_of_role|>",
  },
};

/* ---- Recognition ---------------------------------------------------------------------------- */

static gboolean contains (EngineGgufString text, const char *what)
{
  return memmem (text.data, text.length, what, strlen (what)) != NULL;
}

static const Format *find_format (const EngineGguf *gguf)
{
  EngineGgufString template;
  if (!engine_gguf_get_string (gguf, "tokenizer.chat_template", &template))
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (FORMATS); i++)
    {
      gboolean matches = TRUE;
      for (gsize j = 0; matches && FORMATS[i].fingerprint[j]; j++)
        matches = contains (template, FORMATS[i].fingerprint[j]);
      if (matches)
        return &FORMATS[i];
    }
  return NULL;
}

const char *engine_chat_format_name (const EngineGguf *gguf)
{
  const Format *format = find_format (gguf);
  return format ? format->name : NULL;
}

/* ---- Writing -------------------------------------------------------------------------------- */

typedef struct
{
  const EngineModel *model;
  const Format *format;
  GArray *tokens;
  GString *plain; /* text since the last marker: one piece, for words may span our text and
                     theirs */
} Writer;

static gboolean flush_plain (Writer *writer, GError **error)
{
  guint first = writer->tokens->len;
  const char *text = writer->plain->str;
  if (writer->format->strips_after_marker && first > 0)
    while (g_ascii_isspace (*text))
      text++;
  if (*text
      && !engine_tokenizer_encode (writer->model->tokenizer, text, -1, ENGINE_TOKENIZE_PLAIN,
                                   writer->tokens, error))
    return FALSE;
  g_string_truncate (writer->plain, 0);
  for (guint i = first; i < writer->tokens->len; i++)
    if (engine_tokenizer_is_special (writer->model->tokenizer,
                                     g_array_index (writer->tokens, gint32, i)))
      {
        g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                             "a message holds text that would become a control token of the model; "
                             "remove it");
        return FALSE;
      }
  return TRUE;
}

static gboolean append_marker (Writer *writer, const char *marker, GError **error)
{
  gint32 token = engine_tokenizer_find_special (writer->model->tokenizer, marker);
  if (!flush_plain (writer, error))
    return FALSE;
  if (token < 0)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
                   "“%s” cannot be used for questions: its chat format “%s” needs the token “%s”, "
                   "which is not a control token of its vocabulary",
                   writer->model->info.path, writer->format->name, marker);
      return FALSE;
    }
  g_array_append_val (writer->tokens, token);
  return TRUE;
}

static const char *marker_at (const Format *format, const char *text)
{
  for (gsize i = 0; format->markers[i]; i++)
    if (g_str_has_prefix (text, format->markers[i]))
      return format->markers[i];
  return NULL;
}

/* PATTERN is ours, MESSAGE theirs: markers are looked for in the first only. */
static gboolean append_pattern (Writer *writer, const char *pattern, const char *message,
                                GError **error)
{
  while (*pattern)
    {
      const char *marker = marker_at (writer->format, pattern);
      if (marker)
        {
          if (!append_marker (writer, marker, error))
            return FALSE;
          pattern += strlen (marker);
        }
      else if (g_str_has_prefix (pattern, "{}"))
        {
          g_string_append (writer->plain, message);
          pattern += 2;
        }
      else
        g_string_append_c (writer->plain, *pattern++);
    }
  return TRUE;
}

static const char *pattern_of (const Format *format, const char *role)
{
  return strcmp (role, "system") == 0 ? format->system
         : strcmp (role, "user") == 0 ? format->user
                                      : format->assistant;
}

static gboolean check_messages (const EngineMessage *messages, gsize n_messages, GError **error)
{
  for (gsize i = 0; i < n_messages; i++)
    if (strcmp (messages[i].role, "system") != 0 && strcmp (messages[i].role, "user") != 0
        && strcmp (messages[i].role, "assistant") != 0)
      {
        g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                     "a message has the role “%s”; it should be system, user or assistant",
                     messages[i].role);
        return FALSE;
      }
  if (n_messages > 0 && strcmp (messages[n_messages - 1].role, "user") == 0)
    return TRUE;
  g_set_error_literal (error, ENGINE_ERROR, ENGINE_ERROR_INPUT,
                       "a conversation should end with a message of the user");
  return FALSE;
}

static gboolean append_messages (Writer *writer, const EngineMessage *messages, gsize n_messages,
                                 GError **error)
{
  const Format *format = writer->format;
  g_autoptr (GString) pending = g_string_new (NULL); /* system text that has no turn of its own */
  for (gsize i = 0; i < n_messages; i++)
    {
      const char *pattern = pattern_of (format, messages[i].role);
      g_autofree char *text = g_strdup (messages[i].text);
      if (format->trims)
        g_strstrip (text);
      if (pattern == NULL)
        {
          g_string_append_printf (pending, "%s\n\n", text);
          continue;
        }
      gboolean is_user = strcmp (messages[i].role, "user") == 0;
      g_autofree char *whole = g_strconcat (is_user ? pending->str : "", text, NULL);
      if (is_user)
        g_string_truncate (pending, 0);
      if (!append_pattern (writer, pattern, whole, error))
        return FALSE;
    }
  return append_pattern (writer, format->answer, "", error) && flush_plain (writer, error);
}

gboolean engine_chat_tokens (const EngineModel *model, const EngineMessage *messages,
                             gsize n_messages, GArray *tokens, GError **error)
{
  g_autoptr (GArray) written = g_array_new (FALSE, FALSE, sizeof (gint32));
  g_autoptr (GString) plain = g_string_new (NULL);
  Writer writer = { model, find_format (model->gguf), written, plain };
  if (!check_messages (messages, n_messages, error))
    return FALSE;
  if (writer.format == NULL)
    {
      g_set_error (error, ENGINE_ERROR, ENGINE_ERROR_UNSUPPORTED,
                   "“%s” cannot be used for questions: %s; choose an instruction-tuned model",
                   model->info.path,
                   engine_gguf_has_key (model->gguf, "tokenizer.chat_template")
                       ? "its chat template is of a kind that is not known"
                       : "it has no chat template");
      return FALSE;
    }
  gint32 bos = engine_tokenizer_bos (model->tokenizer);
  if (bos >= 0 && (writer.format->needs_bos || engine_tokenizer_adds_bos (model->tokenizer)))
    g_array_append_val (written, bos);
  if (!append_messages (&writer, messages, n_messages, error))
    return FALSE;
  g_array_append_vals (tokens, written->data, written->len);
  return TRUE;
}
