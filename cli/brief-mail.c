/* A digest as a mail message: text and HTML of the same, for any mail program.
 *
 * In: a brief and addresses. Out: a message (built by GMime) on standard output, for sendmail -t, or
 * in a Maildir. Messages of one month share a thread, and the message of a day has the same
 * identity however often it is made, so that a mailbox keeps one. */
#include <errno.h>
#include <gmime/gmime.h>
#include <string.h>

#include "brief-private.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeMessage, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeMultipart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GMimeTextPart, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (InternetAddressList, g_object_unref)

static InternetAddressList *parse_address (const char *text, const char *option, GError **error)
{
  g_autofree char *safe = cli_escape_line (text);
  InternetAddressList *list
      = strpbrk (text, "\r\n") == NULL ? internet_address_list_parse (NULL, text) : NULL;
  if (list != NULL && internet_address_list_length (list) > 0 && strchr (text, '@') != NULL)
    return list;
  g_clear_object (&list);
  g_set_error (error, CLI_ERROR, CLI_ERROR_USAGE,
               "%s takes a mail address such as editor@example.org, not “%s”", option, safe);
  return NULL;
}

static gboolean add_address (GMimeMessage *message, GMimeAddressType type, const char *text,
                             const char *option, GError **error)
{
  g_autoptr (InternetAddressList) list = parse_address (text, option, error);
  if (list == NULL)
    return FALSE;
  internet_address_list_append (g_mime_message_get_addresses (message, type), list);
  return TRUE;
}

static void add_part (GMimeMultipart *multipart, const char *subtype, const char *text)
{
  g_autoptr (GMimeTextPart) part = g_mime_text_part_new_with_subtype (subtype);
  g_mime_text_part_set_charset (part, "utf-8");
  g_mime_text_part_set_text (part, text);
  g_mime_part_set_content_encoding (GMIME_PART (part), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  g_mime_multipart_add (multipart, GMIME_OBJECT (part));
}

/* "docent-2026-11-24.3f2a@host": from what makes the message what it is. */
static char *identity (const CliMail *mail, const char *date)
{
  g_autofree char *all = g_strjoin ("\n", mail->from, mail->thread != NULL ? mail->thread : "", NULL);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
  return g_strdup_printf ("docent-%s.%.12s@%s", date, hash, g_get_host_name ());
}

static GDateTime *time_of (const RagBrief *brief)
{
  return brief->until > 0 ? g_date_time_new_from_unix_local (brief->until)
                          : g_date_time_new_now_local ();
}

/* "mailto:me@example.org?subject=unsubscribe" for "Me <me@example.org>". */
static char *unsubscribe_by_mail (GMimeMessage *message)
{
  InternetAddress *from = internet_address_list_get_address (g_mime_message_get_from (message), 0);
  const char *address = INTERNET_ADDRESS_IS_MAILBOX (from)
                            ? internet_address_mailbox_get_addr (INTERNET_ADDRESS_MAILBOX (from))
                            : "";
  return g_strdup_printf ("mailto:%s?subject=unsubscribe", address);
}

static void set_headers (GMimeMessage *message, const RagBrief *brief, const CliMail *mail)
{
  GMimeObject *object = GMIME_OBJECT (message);
  g_autoptr (GDateTime) date = time_of (brief);
  g_autofree char *month = g_strndup (brief->date, strlen ("2026-11"));
  g_autofree char *id = identity (mail, brief->date);
  g_autofree char *thread = identity (mail, month);
  g_autofree char *reference = g_strdup_printf ("<%s>", thread);
  g_autofree char *by_mail = unsubscribe_by_mail (message);
  g_autofree char *unsubscribe
      = g_strdup_printf ("<%s>", mail->unsubscribe != NULL ? mail->unsubscribe : by_mail);
  g_mime_message_set_subject (message, brief->title, "utf-8");
  g_mime_message_set_date (message, date);
  g_mime_message_set_message_id (message, id);
  g_mime_object_set_header (object, "In-Reply-To", reference, NULL);
  g_mime_object_set_header (object, "References", reference, NULL);
  g_mime_object_set_header (object, "List-Unsubscribe", unsubscribe, NULL);
  g_mime_object_set_header (object, "Auto-Submitted", "auto-generated", NULL);
}

static GBytes *bytes_of (GMimeMessage *message)
{
  g_autoptr (GByteArray) array = g_byte_array_new ();
  g_autoptr (GMimeStream) stream = g_mime_stream_mem_new_with_byte_array (array);
  g_mime_stream_mem_set_owner (GMIME_STREAM_MEM (stream), FALSE);
  g_mime_object_write_to_stream (GMIME_OBJECT (message), NULL, stream);
  return g_bytes_new (array->data, array->len);
}

GBytes *cli_brief_mail (const RagBrief *brief, const CliMail *mail, GError **error)
{
  if (mail->unsubscribe != NULL && strpbrk (mail->unsubscribe, "<> \r\n") != NULL)
    {
      g_set_error_literal (error, CLI_ERROR, CLI_ERROR_USAGE,
                           "--unsubscribe takes one address such as https://example.org/leave");
      return NULL;
    }
  g_mime_init ();
  g_autoptr (GMimeMessage) message = g_mime_message_new (TRUE);
  if (!add_address (message, GMIME_ADDRESS_TYPE_FROM, mail->from, "--from", error)
      || !add_address (message, GMIME_ADDRESS_TYPE_TO, mail->to, "--to", error))
    return NULL;
  set_headers (message, brief, mail);
  g_autofree char *text = cli_brief_markdown (brief, FALSE);
  g_autofree char *html = cli_brief_html (brief);
  g_autoptr (GMimeMultipart) multipart = g_mime_multipart_new_with_subtype ("alternative");
  add_part (multipart, "plain", text);
  add_part (multipart, "html", html);
  g_mime_message_set_mime_part (message, GMIME_OBJECT (multipart));
  return bytes_of (message);
}

/* ---- Maildir ---- */

gboolean cli_maildir_deliver (const char *dir, const char *name, GBytes *message, GError **error)
{
  static const char *const folders[] = { "tmp", "new", "cur" };
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *folder = g_build_filename (dir, folders[i], NULL);
      if (g_mkdir_with_parents (folder, 0700) != 0)
        {
          g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED, "%s cannot be made: %s", folder,
                       g_strerror (errno));
          return FALSE;
        }
    }
  /* Written under tmp and then renamed: a mail program never sees half a message. */
  g_autofree char *being_written = g_build_filename (dir, "tmp", name, NULL);
  g_autofree char *path = g_build_filename (dir, "new", name, NULL);
  gsize size;
  const char *data = g_bytes_get_data (message, &size);
  if (!g_file_set_contents_full (being_written, data, (gssize)size,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 error))
    return FALSE;
  if (rename (being_written, path) == 0)
    return TRUE;
  g_set_error (error, CLI_ERROR, CLI_ERROR_FAILED, "%s cannot be written: %s", path,
               g_strerror (errno));
  return FALSE;
}
