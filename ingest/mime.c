/* Reads the syntax of mail: headers, encoded words, parts within parts, their transfer encodings.
 * Mail is written by programs of forty years and breaks every rule of its grammar, so nothing here
 * is an error: a part without end ends with the message, a wrong encoding is taken as it is. Parts
 * are counted and their depth is bounded, because a short message can claim any number of them. */
#include "ingest/mime-private.h"
#include "ingest/prose-private.h"

#include <string.h>

#define DEPTH_MAX 10
#define PARTS_MAX 1000
#define HEADERS_MAX 1000

void mime_part_free (MimePart *part)
{
  if (part == NULL)
    return;
  g_hash_table_unref (part->headers);
  g_free (part->type);
  g_free (part->charset);
  g_free (part->name);
  g_clear_pointer (&part->body, g_bytes_unref);
  g_clear_pointer (&part->parts, g_ptr_array_unref);
  g_free (part);
}

/* ---- Encodings ---- */

/* Quoted-printable; with UNDERSCORES as in encoded words. */
static GByteArray *decode_quoted (const char *data, gsize length, gboolean underscores)
{
  GByteArray *out = g_byte_array_sized_new (length);
  for (gsize i = 0; i < length; i++)
    {
      guint8 byte = data[i];
      if (byte == '=' && i + 2 < length && g_ascii_isxdigit (data[i + 1])
          && g_ascii_isxdigit (data[i + 2]))
        {
          byte = g_ascii_xdigit_value (data[i + 1]) * 16 + g_ascii_xdigit_value (data[i + 2]);
          i += 2;
        }
      else if (byte == '=' && !underscores)
        { /* a line that goes on */
          gsize end = i + 1;
          while (end < length && (data[end] == ' ' || data[end] == '\t' || data[end] == '\r'))
            end++;
          if (end >= length || data[end] == '\n')
            {
              i = end;
              continue;
            }
        }
      else if (byte == '_' && underscores)
        byte = ' ';
      g_byte_array_append (out, &byte, 1);
    }
  return out;
}

static GByteArray *decode_base64 (const char *data, gsize length)
{
  GByteArray *out = g_byte_array_new ();
  gint state = 0;
  guint save = 0;
  g_byte_array_set_size (out, length / 4 * 3 + 4);
  g_byte_array_set_size (out, g_base64_decode_step (data, length, out->data, &state, &save));
  return out;
}

/* "=?charset?q?text?=" → its text; NULL when AT is not at one. *RET_END is what follows. */
static char *decode_word (const char *at, const char **ret_end)
{
  if (at[0] != '=' || at[1] != '?')
    return NULL;
  const char *encoding = strchr (at + 2, '?');
  if (encoding == NULL || encoding[1] == '\0' || encoding[2] != '?')
    return NULL;
  const char *text = encoding + 3, *end = strstr (text, "?=");
  if (end == NULL)
    return NULL;
  g_autofree char *charset = g_strndup (at + 2, encoding - at - 2);
  charset[strcspn (charset, "*")] = '\0';
  g_autoptr (GByteArray) bytes = g_ascii_tolower (encoding[1]) == 'b'
                                     ? decode_base64 (text, end - text)
                                     : decode_quoted (text, end - text, TRUE);
  *ret_end = end + 2;
  char *decoded = ingest_decode (bytes->data, bytes->len, charset);
  return decoded != NULL ? decoded : g_strdup ("");
}

static char *decode_header (const char *raw)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean after_word = FALSE;
  g_autofree char *text = ingest_decode ((const guint8 *)raw, strlen (raw), NULL);
  for (const char *at = text != NULL ? text : ""; *at != '\0';)
    {
      const char *end = NULL;
      gsize blanks = strspn (at, " \t\n");
      /* Blanks between two encoded words only separate them. */
      g_autofree char *word = decode_word (after_word ? at + blanks : at, &end);
      if (word != NULL)
        g_string_append (out, word);
      else
        g_string_append_c (out, *at);
      at = word != NULL ? end : at + 1;
      after_word = word != NULL;
    }
  return ingest_prose_squeeze (ingest_prose_clean (out->str, out->len));
}

char *mime_header (const MimePart *part, const char *name)
{
  const char *raw = g_hash_table_lookup (part->headers, name);
  return raw != NULL ? decode_header (raw) : NULL;
}

/* ---- Headers ---- */

/* Returns where the body begins. */
static const char *read_headers (MimePart *part, const char *at, const char *end)
{
  while (at < end && g_hash_table_size (part->headers) < HEADERS_MAX)
    {
      const char *line_end = memchr (at, '\n', end - at);
      const char *next = line_end != NULL ? line_end + 1 : end;
      if (*at == '\n' || (*at == '\r' && next == at + 2))
        return next;
      while (next < end && (*next == ' ' || *next == '\t'))
        {
          line_end = memchr (next, '\n', end - next);
          next = line_end != NULL ? line_end + 1 : end;
        }
      const char *colon = memchr (at, ':', next - at);
      if (colon == NULL)
        return at; /* no header: the body began without a blank line */
      char *name = g_strstrip (g_ascii_strdown (at, colon - at));
      g_autofree char *value = g_strndup (colon + 1, next - colon - 1);
      if (g_hash_table_contains (part->headers, name))
        g_free (name);
      else
        g_hash_table_insert (part->headers, name, g_strdup (g_strstrip (value)));
      at = next;
    }
  return at;
}

/* The parameter NAME of a header ("charset", "boundary", "filename"), RFC 2231's form as well. */
static char *parameter (const MimePart *part, const char *header, const char *name)
{
  const char *at = g_hash_table_lookup (part->headers, header);
  gsize length = strlen (name);
  for (at = at != NULL ? strchr (at, ';') : NULL; at != NULL; at = strchr (at, ';'))
    {
      at++;
      at += strspn (at, " \t\r\n");
      if (g_ascii_strncasecmp (at, name, length) != 0)
        continue;
      gboolean extended = at[length] == '*';
      const char *value = at + length + strspn (at + length, "*0 \t");
      if (*value != '=')
        continue;
      value += 1 + strspn (value + 1, " \t");
      g_autofree char *text = *value == '"' ? g_strndup (value + 1, strcspn (value + 1, "\""))
                                            : g_strndup (value, strcspn (value, "; \t\r\n"));
      const char *quoted = extended ? strstr (text, "''") : NULL;
      char *plain = quoted != NULL ? g_uri_unescape_string (quoted + 2, NULL) : NULL;
      return plain != NULL ? plain : g_strdup (text);
    }
  return NULL;
}

static char *token (const MimePart *part, const char *header, const char *fallback)
{
  const char *value = g_hash_table_lookup (part->headers, header);
  if (value == NULL || *value == '\0')
    return g_strdup (fallback);
  g_autofree char *first = g_strndup (value, strcspn (value, "; \t\r\n("));
  return g_ascii_strdown (first, -1);
}

/* ---- Parts ---- */

static MimePart *read_part (const char *data, gsize length, guint depth, guint *n_parts);

/* Is the line at AT the boundary? *RET_LAST: the closing one. */
static gboolean is_boundary (const char *at, const char *end, const char *boundary,
                             gboolean *ret_last)
{
  gsize length = strlen (boundary);
  if ((gsize)(end - at) < length + 2 || strncmp (at, "--", 2) != 0
      || memcmp (at + 2, boundary, length) != 0)
    return FALSE;
  at += length + 2;
  *ret_last = end - at >= 2 && strncmp (at, "--", 2) == 0;
  return *ret_last || at == end || strchr ("\r\n \t", *at) != NULL;
}

static void read_parts (MimePart *part, const char *at, const char *end, const char *boundary,
                        guint depth, guint *n_parts)
{
  const char *begin = NULL;
  gboolean last = FALSE;
  part->parts = g_ptr_array_new_with_free_func ((GDestroyNotify)mime_part_free);
  while (at < end && !last && *n_parts < PARTS_MAX)
    {
      const char *line_end = memchr (at, '\n', end - at);
      const char *next = line_end != NULL ? line_end + 1 : end;
      if (is_boundary (at, end, boundary, &last))
        {
          if (begin != NULL)
            g_ptr_array_add (part->parts, read_part (begin, at - begin, depth + 1, n_parts));
          begin = next;
        }
      at = next;
    }
  if (begin != NULL && !last && begin < end)
    g_ptr_array_add (part->parts, read_part (begin, end - begin, depth + 1, n_parts));
}

static GBytes *decode_body (const MimePart *part, const char *data, gsize length)
{
  g_autofree char *encoding = token (part, "content-transfer-encoding", "7bit");
  if (strcmp (encoding, "base64") == 0)
    return g_byte_array_free_to_bytes (decode_base64 (data, length));
  if (strcmp (encoding, "quoted-printable") == 0)
    return g_byte_array_free_to_bytes (decode_quoted (data, length, FALSE));
  return g_bytes_new (data, length);
}

static MimePart *read_part (const char *data, gsize length, guint depth, guint *n_parts)
{
  MimePart *part = g_new0 (MimePart, 1);
  const char *end = data + length;
  (*n_parts)++;
  part->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *body = read_headers (part, data, end);
  part->type = token (part, "content-type", "text/plain");
  part->charset = parameter (part, "content-type", "charset");
  g_autofree char *disposition = token (part, "content-disposition", "");
  part->attached = strcmp (disposition, "attachment") == 0;
  g_autofree char *name = parameter (part, "content-disposition", "filename");
  if (name == NULL)
    name = parameter (part, "content-type", "name");
  part->name = name != NULL ? decode_header (name) : NULL;
  g_autofree char *boundary = parameter (part, "content-type", "boundary");
  if (g_str_has_prefix (part->type, "multipart/") && boundary != NULL && *boundary != '\0'
      && depth < DEPTH_MAX)
    read_parts (part, body, end, boundary, depth, n_parts);
  else
    part->body = decode_body (part, body, end - body);
  return part;
}

MimePart *mime_read (const char *data, gsize length)
{
  guint n_parts = 0;
  return read_part (data, length, 0, &n_parts);
}
