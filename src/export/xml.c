/* SPDX-License-Identifier: Apache-2.0 */
/* Text for XML 1.0, which has no way to hold most control characters. */
#include "export/xml.h"

void xml_add_escaped(struct text *text, const char *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        uint32_t code = text_next_code(bytes, n, &at, NULL);
        if (code == '&')
            text_add(text, "&amp;");
        else if (code == '<')
            text_add(text, "&lt;");
        else if (code == '>')
            text_add(text, "&gt;");
        else if (code == '"')
            text_add(text, "&quot;");
        else if (code == '\n')
            text_add(text, "&#10;");
        else if (code == 0xfffe || code == 0xffff)
            text_add_code(text, 0xfffd);
        else if (text_code_unsafe(code))
            text_printf(text, "\\u{%x}", code);
        else
            text_add_code(text, code);
    }
}
