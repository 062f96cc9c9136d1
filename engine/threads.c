/* threads: the pool that shares one product after the other among the processors.
 *
 * Reading one token takes some two hundred products of tens of microseconds each, so handing out
 * work must cost less than a microsecond, and no product may wait for a thread that the operating
 * system has put aside. In go a number of items and a function; threads that happen to be awake
 * claim chunks from one atomic ticket, and the run ends when all chunks are done, whoever did them.
 * A thread that comes late finds the ticket used up and does no harm, which is why two programs can
 * share the processors without waiting for each other. */
#include "engine/kernels/kernels-private.h"
#include "engine/kernels/matmul-private.h"

#include <sched.h>
#include <stdatomic.h>

/* A ticket is a generation (one per run, and one while the job is being written) above the next
 * chunk to be claimed. A claim succeeds only in the generation whose job the thread has read. */
#define TICKET(generation, chunk) ((guint64)(generation) << 32 | (chunk))
#define GENERATION(ticket) ((guint32)((ticket) >> 32))
#define CHUNK(ticket) ((guint32)(ticket))

/* Waiting costs at most about 30 µs of spinning, then a few offers to other programs, then sleep.
 */
#define N_SPINS 600
#define N_YIELDS 30

typedef struct
{
  gpointer data;
  gsize size;
} Scratch;

struct _EnginePool
{
  guint n_threads;
  GThread **threads; /* n_threads - 1 */
  Scratch *scratch;  /* n_threads, then the shared one */

  _Alignas(ENGINE_ALIGNMENT) _Atomic guint64 ticket;
  _Atomic gsize n_done;
  /* The job; written only while no chunk can be claimed. */
  _Alignas(ENGINE_ALIGNMENT) _Atomic (EngineWork) work;
  _Atomic gpointer user_data;
  _Atomic gsize n_items, chunk, n_chunks; /* n_chunks < 2³² - 1 */

  _Atomic guint n_asleep;
  _Atomic gboolean stop;
  GMutex mutex;
  GCond wake;
};

typedef struct
{
  EnginePool *pool;
  guint thread;
} Worker;

static inline void pause_briefly (void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Works on the job of GENERATION until no chunk is left, or another job has taken its place. */
static void work_on (EnginePool *pool, guint32 generation, guint thread)
{
  guint64 ticket = atomic_load (&pool->ticket);
  for (;;)
    {
      EngineWork work = atomic_load (&pool->work);
      gpointer user_data = atomic_load (&pool->user_data);
      gsize n_items = atomic_load (&pool->n_items), chunk = atomic_load (&pool->chunk);
      if (GENERATION (ticket) != generation || CHUNK (ticket) >= atomic_load (&pool->n_chunks))
        return;
      /* Success proves that what was read above belongs to this generation. */
      if (!atomic_compare_exchange_weak (&pool->ticket, &ticket, ticket + 1))
        continue;
      gsize begin = CHUNK (ticket) * chunk;
      work (begin, MIN (begin + chunk, n_items), thread, user_data);
      atomic_fetch_add (&pool->n_done, 1);
      ticket = atomic_load (&pool->ticket);
    }
}

/* Returns the generation that follows SEEN, or SEEN when the pool is being freed. */
static guint32 wait_for_job (EnginePool *pool, guint32 seen)
{
  for (guint i = 0; i < N_SPINS + N_YIELDS; i++)
    {
      guint32 generation = GENERATION (atomic_load (&pool->ticket));
      if (generation != seen)
        return generation;
      if (i < N_SPINS)
        pause_briefly ();
      else
        sched_yield ();
    }
  g_mutex_lock (&pool->mutex);
  atomic_fetch_add (&pool->n_asleep, 1);
  guint32 generation;
  while ((generation = GENERATION (atomic_load (&pool->ticket))) == seen
         && !atomic_load (&pool->stop))
    g_cond_wait (&pool->wake, &pool->mutex);
  atomic_fetch_sub (&pool->n_asleep, 1);
  g_mutex_unlock (&pool->mutex);
  return generation;
}

static gpointer worker_main (gpointer data)
{
  g_autofree Worker *worker = data;
  guint32 seen = 0;
  while (!atomic_load (&worker->pool->stop))
    {
      seen = wait_for_job (worker->pool, seen);
      work_on (worker->pool, seen, worker->thread);
    }
  return NULL;
}

EnginePool *engine_pool_new (guint n_threads)
{
  EnginePool *pool = g_aligned_alloc0 (1, sizeof *pool, ENGINE_ALIGNMENT);
  pool->n_threads = MAX (n_threads, 1);
  pool->scratch = g_new0 (Scratch, pool->n_threads + 1);
  pool->threads = g_new0 (GThread *, pool->n_threads);
  g_mutex_init (&pool->mutex);
  g_cond_init (&pool->wake);
  for (guint i = 1; i < pool->n_threads; i++)
    {
      Worker *worker = g_new (Worker, 1);
      *worker = (Worker){ pool, i };
      pool->threads[i - 1] = g_thread_try_new ("engine", worker_main, worker, NULL);
      if (pool->threads[i - 1] == NULL)
        g_free (worker); /* the others, at least the caller, do its share */
    }
  return pool;
}

void engine_pool_free (EnginePool *pool)
{
  if (pool == NULL)
    return;
  g_mutex_lock (&pool->mutex);
  atomic_store (&pool->stop, TRUE);
  g_cond_broadcast (&pool->wake);
  g_mutex_unlock (&pool->mutex);
  for (guint i = 0; i + 1 < pool->n_threads; i++)
    if (pool->threads[i] != NULL)
      g_thread_join (pool->threads[i]);
  for (guint i = 0; i <= pool->n_threads; i++)
    g_aligned_free (pool->scratch[i].data);
  g_free (pool->scratch);
  g_free (pool->threads);
  g_mutex_clear (&pool->mutex);
  g_cond_clear (&pool->wake);
  g_aligned_free (pool);
}

guint engine_pool_n_threads (const EnginePool *pool)
{
  return pool->n_threads;
}

/* Readers of the ticket can claim nothing while the job is written: all chunks count as taken. */
static guint32 publish (EnginePool *pool, gsize n_items, gsize chunk, EngineWork work,
                        gpointer user_data)
{
  guint32 generation = GENERATION (atomic_load (&pool->ticket)) + 1;
  atomic_store (&pool->ticket, TICKET (generation, G_MAXUINT32));
  atomic_store (&pool->work, work);
  atomic_store (&pool->user_data, user_data);
  atomic_store (&pool->n_items, n_items);
  atomic_store (&pool->chunk, chunk);
  atomic_store (&pool->n_chunks, (n_items + chunk - 1) / chunk);
  atomic_store (&pool->n_done, 0);
  generation++;
  atomic_store (&pool->ticket, TICKET (generation, 0));
  return generation;
}

void engine_pool_run (EnginePool *pool, gsize n_items, gsize chunk, EngineWork work,
                      gpointer user_data)
{
  chunk = MAX (chunk, n_items / G_MAXINT32 + 1);
  if (pool->n_threads == 1 || n_items <= chunk)
    {
      for (gsize begin = 0; begin < n_items; begin += chunk)
        work (begin, MIN (begin + chunk, n_items), 0, user_data);
      return;
    }
  guint32 generation = publish (pool, n_items, chunk, work, user_data);
  if (atomic_load (&pool->n_asleep) > 0)
    {
      g_mutex_lock (&pool->mutex);
      g_cond_broadcast (&pool->wake);
      g_mutex_unlock (&pool->mutex);
    }
  work_on (pool, generation, 0);
  gsize n_chunks = atomic_load (&pool->n_chunks);
  for (guint i = 0; atomic_load (&pool->n_done) < n_chunks; i++)
    {
      if (i < N_SPINS)
        pause_briefly ();
      else
        sched_yield ();
    }
}

static gpointer grow (Scratch *scratch, gsize n_bytes)
{
  if (scratch->size < n_bytes)
    {
      g_aligned_free (scratch->data);
      scratch->data = g_aligned_alloc (1, n_bytes, ENGINE_ALIGNMENT);
      scratch->size = n_bytes;
    }
  return scratch->data;
}

gpointer engine_pool_scratch (EnginePool *pool, guint thread, gsize n_bytes)
{
  return grow (&pool->scratch[thread], n_bytes);
}

gpointer engine_pool_shared (EnginePool *pool, gsize n_bytes)
{
  return grow (&pool->scratch[pool->n_threads], n_bytes);
}
