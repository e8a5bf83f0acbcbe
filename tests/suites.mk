tsan_handover_OBJS = daemon/zygote/handover.o
check_wset_OBJS = daemon/zygote/wset.o daemon/zygote/maps.o
check_arenas_OBJS = daemon/zygote/huge.o daemon/zygote/maps.o
check_arenas_PYTHON = 1
