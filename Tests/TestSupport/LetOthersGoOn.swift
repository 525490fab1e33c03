// For tests that calculate for long.

/// Tests share as many threads as there are processors: whoever needs one for seconds calls this in each round, so that the others' limits
/// in time are not over before they come to anything.
package func letOthersGoOn(_ round: Int) async {
    if round.isMultiple(of: 100) { await Task.yield() }
}
