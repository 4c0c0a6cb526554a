/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a code address to its entry in .eh_frame.
 *
 * .eh_frame_hdr holds a table sorted by function start, which is searched in place; nothing is
 * built. A module whose header has no such table (never made by present linkers) has no entries
 * for us. The table is believed only as far as the entry that it leads to covers the address.
 */
#include "capture/cfi.h"

#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"

enum { ENCODING_U32 = 0x03, ENCODING_TABLE = 0x3b, ENCODING_OMITTED = 0xff };

struct table_row {
    int32_t start, entry; /* counted from the header */
};

/* The last row that starts at or before `address`. */
static const struct table_row *table_search(const struct table_row *rows, uint32_t count,
                                            int64_t offset)
{
    uint32_t low = 0;
    while (count > 1) {
        uint32_t half = count / 2;
        if (rows[low + half].start <= offset) {
            low += half;
            count -= half;
        } else {
            count = half;
        }
    }
    return &rows[low];
}

/* Where the entry of `address` should be, 0 when the table has none. */
static uintptr_t entry_address(const struct module *module, uintptr_t address)
{
    uintptr_t header = module->frame_hdr;
    const struct module_range *range = header == 0 ? NULL : module_range_of(module, header, 4);
    if (range == NULL)
        return 0;
    const uint8_t *bytes = (const uint8_t *)header;
    if (bytes[0] != 1 || bytes[2] != ENCODING_U32 || bytes[3] != ENCODING_TABLE)
        return 0;
    struct cfi_reader reader = {bytes + 4, (const uint8_t *)range->end, false};
    if (bytes[1] != ENCODING_OMITTED)
        cfi_read_encoded(&reader, bytes[1], header);
    uint64_t count = cfi_read_fixed(&reader, 4);
    uintptr_t rows = (uintptr_t)reader.at;
    if (reader.bad || rows % 4 != 0 || count == 0 ||
        count > (range->end - rows) / sizeof(struct table_row))
        return 0;
    int64_t offset = (int64_t)(address - header);
    const struct table_row *row =
            table_search((const struct table_row *)rows, (uint32_t)count, offset);
    return row->start <= offset ? header + (uintptr_t)(intptr_t)row->entry : 0;
}

/* The length field of an entry: sets the reader to the entry's own bytes. */
static bool entry_open(const struct module *module, uintptr_t at, struct cfi_reader *ret_reader)
{
    const struct module_range *range = module_range_of(module, at, 4);
    if (range == NULL)
        return false;
    struct cfi_reader reader = {(const uint8_t *)at, (const uint8_t *)range->end, false};
    uint64_t length = cfi_read_fixed(&reader, 4);
    if (length == 0xffffffff)
        length = cfi_read_fixed(&reader, 8);
    if (reader.bad || length < 4 || length > (uint64_t)(reader.end - reader.at))
        return false;
    reader.end = reader.at + length;
    *ret_reader = reader;
    return true;
}

/* The letters after 'z' in a common part's augmentation string. */
static bool augmentation_read(struct cfi_reader *letters, struct cfi_reader *data,
                              struct cfi_entry *entry)
{
    for (;;) {
        switch (cfi_read_fixed(letters, 1)) {
        case 0:
            return !data->bad && !letters->bad;
        case 'R':
            entry->pointer_encoding = (uint8_t)cfi_read_fixed(data, 1);
            break;
        case 'L':
            cfi_read_fixed(data, 1);
            break;
        case 'P': {
            uint8_t encoding = (uint8_t)cfi_read_fixed(data, 1);
            cfi_read_encoded(data, encoding, 0);
            break;
        }
        case 'S':
            entry->signal_frame = true;
            break;
        case 'B':
            break;
        default:
            return false;
        }
    }
}

static bool common_read(const struct module *module, uintptr_t at, struct cfi_entry *entry,
                        bool *ret_augmented)
{
    struct cfi_reader reader;
    if (!entry_open(module, at, &reader) || cfi_read_fixed(&reader, 4) != 0)
        return false;
    uint64_t version = cfi_read_fixed(&reader, 1);
    struct cfi_reader letters = reader;
    while (cfi_read_fixed(&reader, 1) != 0)
        continue;
    entry->code_align = cfi_read_uleb(&reader);
    entry->data_align = cfi_read_sleb(&reader);
    uint64_t column = version == 1 ? cfi_read_fixed(&reader, 1) : cfi_read_uleb(&reader);
    entry->return_column = (uint8_t)column;
    entry->pointer_encoding = 0;
    entry->signal_frame = false;
    if (reader.bad || (version != 1 && version != 3) || column != CPU_PC)
        return false;
    *ret_augmented = *letters.at == 'z';
    if (*ret_augmented) {
        uint64_t bytes = cfi_read_uleb(&reader);
        struct cfi_reader data = reader;
        letters.at++;
        if (bytes > (uint64_t)(reader.end - reader.at))
            return false;
        data.end = data.at + bytes;
        if (!augmentation_read(&letters, &data, entry))
            return false;
        reader.at = data.end;
    } else if (*letters.at != 0) {
        return false;
    }
    entry->initial = reader;
    return !reader.bad;
}

int cfi_find(const struct module *module, uintptr_t address, struct cfi_entry *ret_entry)
{
    uintptr_t at = entry_address(module, address);
    struct cfi_reader reader;
    struct cfi_entry entry;
    if (at == 0 || !entry_open(module, at, &reader))
        return -1;
    uintptr_t common_from = (uintptr_t)reader.at;
    uint64_t back = cfi_read_fixed(&reader, 4);
    bool augmented;
    if (back == 0 || !common_read(module, common_from - back, &entry, &augmented))
        return -1;
    entry.start = cfi_read_encoded(&reader, entry.pointer_encoding, module->frame_hdr);
    entry.end = entry.start + cfi_read_encoded(&reader, entry.pointer_encoding & 0x0f, 0);
    if (augmented) {
        uint64_t bytes = cfi_read_uleb(&reader);
        if (bytes > (uint64_t)(reader.end - reader.at))
            return -1;
        reader.at += bytes;
    }
    if (reader.bad || address < entry.start || address >= entry.end)
        return -1;
    entry.program = reader;
    *ret_entry = entry;
    return 0;
}
