/* SPDX-License-Identifier: Apache-2.0 */
/* Text in XML: SVG and JUnit reports. */
#ifndef MEMSCOPE_EXPORT_XML_H
#define MEMSCOPE_EXPORT_XML_H

#include "base/text.h"

/* Appends text for content or attributes: escaped, illegal characters made visible. */
void xml_add_escaped(struct text *text, const char *bytes, size_t n);

#endif
