"""JSON-RPC 2.0: records, bytes and the methods of the scheduler. No sockets."""
