// hiredis as a codec: its reader and its command formatter, without its sockets.
#ifndef CHIREDIS_H
#define CHIREDIS_H
#include <hiredis/hiredis.h>
#include <stdlib.h>

// The most elements that one array may announce: hiredis makes room for all of them before the first one has come.
#define CHIREDIS_MOST_ELEMENTS 1024

typedef struct {
    redisReplyObjectFunctions limited;
    redisReplyObjectFunctions *own;
} chiredis_functions;

static inline void *chiredis_create_array(const redisReadTask *task, int elements) {
    chiredis_functions *functions = (chiredis_functions *)task->privdata;
    return elements > CHIREDIS_MOST_ELEMENTS ? NULL : functions->own->createArray(task, elements);
}

// A reader of replies; NULL without memory.
static inline redisReader *chiredis_reader_make(void) {
    redisReader *reader = redisReaderCreate();
    if (!reader) return NULL;
    chiredis_functions *functions = (chiredis_functions *)malloc(sizeof(chiredis_functions));
    if (!functions) {
        redisReaderFree(reader);
        return NULL;
    }
    functions->own = reader->fn;
    functions->limited = *reader->fn;
    functions->limited.createArray = chiredis_create_array;
    reader->fn = &functions->limited;
    reader->privdata = functions;
    return reader;
}

static inline void chiredis_reader_free(redisReader *reader) {
    void *functions = reader->privdata;
    redisReaderFree(reader);
    free(functions);
}

// How many bytes wait for the rest of their reply.
static inline size_t chiredis_reader_waiting(const redisReader *reader) { return reader->len - reader->pos; }
#endif
