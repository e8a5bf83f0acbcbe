/*
 * doctor: `forkserver-zygote --doctor`: proves the architecture on this machine
 * with its versions, and looks which constraints hold.  It needs no daemon, and
 * runs no Python itself: each trial has a process of its own.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#define DOCTOR_USAGE 125 /* as forkctl has it, which execs us */

/* ARGV[0] is "--doctor".  Returns the exit status: 0 when all came out as
 * expected (or, of an audit, was found out), 1 when not, else DOCTOR_USAGE. */
int doctor_main(int argc, char **argv);

#endif
