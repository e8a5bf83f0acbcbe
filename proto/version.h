/*
 * version: the numbers that the three protocols go by.
 */
#ifndef PROTO_VERSION_H
#define PROTO_VERSION_H

#define PROTO_CLIENT_VERSION 1 /* client and daemon */
#define PROTO_ZYGOTE_VERSION 1 /* daemon and zygote */
#define PROTO_CHILD_VERSION 1  /* daemon and child */

#endif
