/*
 * json: MessagePack objects as JSON (RFC 8259), one value a line.  Owns
 * nothing.
 *
 * What JSON has no form for: bin becomes {"$bin": "hex"}, unless its bytes are
 * UTF-8 (as where the daemon answers a str in bin's stead): then a string; a
 * str that is not UTF-8 is treated as bin; ext becomes {"$ext": [type, "hex"]};
 * a float that is not finite becomes null.  Keys of maps that are not text are
 * written as the JSON text of the key.
 */
#ifndef FORKCTL_JSON_H
#define FORKCTL_JSON_H

#include <msgpack.h>
#include <stdio.h>

void json_value(FILE *, const msgpack_object *);
/* With a line break. */
void json_line(FILE *, const msgpack_object *);

#endif
