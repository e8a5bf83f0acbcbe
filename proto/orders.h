/*
 * orders: how many children one `fork` of the daemon's may order of a zygote.
 * Each claims two descriptors at most.
 */
#ifndef PROTO_ORDERS_H
#define PROTO_ORDERS_H

#define ORDERS_MAX 8

#endif
