tsan_handover_OBJS = daemon/zygote/handover.o
