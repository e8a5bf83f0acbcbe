/*
 * home: what tells the programs of a user who he is: HOME, USER, LOGNAME and
 * SHELL.  The user database is asked by the zygote, which is the user's, so that
 * nobody else waits where that is slow.
 */
#ifndef ZYGOTE_HOME_H
#define ZYGOTE_HOME_H

#include "daemon/zygote/conf.h"
#include "proto/err.h"

/* Sets these variables by the account of this process's uid, and puts the home
 * in place of a leading ~ in the template's paths.  0, or -1 with E filled. */
int home_set(struct conf *, struct err *);

#endif
