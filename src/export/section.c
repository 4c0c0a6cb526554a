/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of bytes, and their way into the page. */
#include "export/section.h"

#include <string.h>

#include "export/gzip.h"

struct section_column *section_column(struct section *section, const char *name,
                                      enum section_codec codec)
{
    struct section_column *column =
            &section->columns[section->n < SECTION_COLUMNS_MAX ? section->n++ : section->n - 1];
    *column = (struct section_column){.name = name, .codec = codec};
    return column;
}

static void section_add_leb(struct text *bytes, uint64_t value)
{
    char out[10];
    size_t n = 0;
    do {
        out[n++] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    text_add_n(bytes, out, n);
}

void section_add(struct section_column *column, uint64_t value)
{
    const uint64_t most = (UINT64_C(1) << 53) - 1;
    value = value < most ? value : most;
    if (column->codec == CODEC_DELTA) {
        int64_t change = (int64_t)(value - column->last);
        column->last = value;
        section_add_leb(&column->bytes, (uint64_t)change << 1 ^ (uint64_t)(change >> 63));
    } else {
        section_add_leb(&column->bytes, value);
    }
    column->n++;
}

void section_add_string(struct section_column *column, const char *string)
{
    if (column->n++)
        text_add_char(&column->bytes, '\n');
    for (const char *at = string; *at; at++) {
        if (*at == '\n')
            text_add(&column->bytes, "\\n");
        else if (*at == '\\')
            text_add(&column->bytes, "\\\\");
        else
            text_add_char(&column->bytes, *at);
    }
}

void section_add_double(struct section_column *column, double value)
{
    char out[sizeof value];
    memcpy(out, &value, sizeof value);
    text_add_n(&column->bytes, out, sizeof out);
    column->n++;
}

void section_describe(const struct section *section, struct json *json)
{
    json_object_begin(json);
    json_key_string(json, "el", section->element);
    json_key(json, "cols");
    json_array_begin(json);
    for (size_t i = 0; i < section->n; i++) {
        const struct section_column *column = &section->columns[i];
        char codec[2] = {(char)column->codec, 0};
        json_object_begin(json);
        json_key_string(json, "name", column->name);
        json_key_string(json, "codec", codec);
        json_key_u64(json, "n", column->n);
        json_key_u64(json, "bytes", column->bytes.n);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

int section_write(const struct section *section, struct file_out *out, struct diag *diag)
{
    struct text head = {0};
    text_printf(&head, "<script type=\"application/octet-stream\" id=\"%s\">", section->element);
    int err = file_out_write(out, text_string(&head), head.n, diag);
    text_done(&head);
    struct base64_sink base64 = {.out = out, .diag = diag};
    struct gzip gzip;
    err = err ? err : gzip_begin(&gzip, base64_write, &base64);
    if (err)
        return diag_set(diag, err, "no memory to compress the report");
    for (size_t i = 0; i < section->n; i++)
        gzip_write(&gzip, section->columns[i].bytes.bytes, section->columns[i].bytes.n);
    err = gzip_finish(&gzip);
    err = err ? err : base64_finish(&base64);
    static const char tail[] = "</script>\n";
    return err ? diag_set(diag, err, "cannot compress the report")
               : file_out_write(out, tail, sizeof tail - 1, diag);
}

bool section_failed(const struct section *section)
{
    for (size_t i = 0; i < section->n; i++) {
        if (section->columns[i].bytes.failed)
            return true;
    }
    return false;
}

void section_done(struct section *section)
{
    for (size_t i = 0; i < section->n; i++)
        text_done(&section->columns[i].bytes);
}
