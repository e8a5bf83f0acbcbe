check_journal_OBJS = daemon/journal.o
