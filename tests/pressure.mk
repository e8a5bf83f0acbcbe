check_pressure_OBJS = daemon/pressure.o daemon/log.o daemon/journal.o
