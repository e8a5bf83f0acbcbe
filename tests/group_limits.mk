check_group_limits_OBJS = daemon/cgroup_limit.o
